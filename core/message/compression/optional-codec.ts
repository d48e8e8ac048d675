import { rocketMQError } from '../../errors/rocketmq-error.js';

/**
 * A codec from a package that may not be installed: asked for at its first use, never before, and once. A failure is not
 * remembered, so that installing the package helps without a restart of whoever tries again.
 */
export class OptionalCodec<T> {
  readonly #codec: string;
  readonly #packageName: string;
  readonly #load: () => Promise<T>;
  #loading: Promise<T> | undefined;
  #loaded: T | undefined;

  constructor(codec: string, packageName: string, load: () => Promise<T>) {
    this.#codec = codec;
    this.#packageName = packageName;
    this.#load = load;
  }

  /** What was loaded, or undefined before that. */
  get now(): T | undefined {
    return this.#loaded;
  }

  /** @throws RMQ_CODEC_MISSING naming the package, by its promise */
  get(): Promise<T> {
    this.#loading ??= this.#load().then(
      (loaded) => {
        this.#loaded = loaded;
        return loaded;
      },
      (cause: unknown) => {
        this.#loading = undefined;
        const fields = { codec: this.#codec, package: this.#packageName };
        const message = `The optional package ${this.#packageName}, which reads and writes ${this.#codec}, cannot be loaded`;
        throw rocketMQError('RMQ_CODEC_MISSING', message, fields, { cause });
      },
    );
    return this.#loading;
  }

  /** Loads it anew at the next use. */
  forget(): void {
    this.#loading = undefined;
    this.#loaded = undefined;
  }
}
