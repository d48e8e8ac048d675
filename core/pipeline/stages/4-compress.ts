import { inject, injectable } from 'inversify';
import type { Observable } from 'rxjs';
import { Compressor } from '../../message/compression/compressor.js';
import { heldCompressor } from '../../message/compression/held-compressor.js';
import { SysFlag } from '../../message/sys-flag.js';
import { isPromiseLike } from '../../remoting/answers.js';
import { Clock } from '../../runtime/clock.js';
import { isBytes } from '../../runtime/is-bytes.js';
import type { EncodedContext, Payload } from '../context.js';
import type { SendHandler } from '../interceptor.js';
import { later } from '../later.js';
import type { PipelineContext } from '../pipeline-context.js';
import type { SendResult } from '../send-result.js';
import type { CompressInput, CompressStage } from '../stage.js';
import { ProducerScope } from '../tokens.js';

/**
 * Stage 4: the body as it goes out. From the threshold on it is compressed, unless that makes it larger: Java sends the
 * larger one, and a broker then refuses a body that was just within its limit.
 * Done once per message and not per attempt: the send remembers it by the identity of the body. A batch never is, as Java's.
 */
@injectable()
export class Compress implements CompressStage {
  readonly #compressor: Compressor;
  readonly #thresholdBytes: number;
  readonly #level: number;

  constructor(
    @inject(ProducerScope) scope: ProducerScope,
    @inject(Compressor) compressor: Compressor,
    @inject(Clock) clock: Clock,
  ) {
    this.#compressor = heldCompressor(clock, compressor);
    this.#thresholdBytes = scope.options.compressThresholdBytes;
    this.#level = scope.options.compressLevel;
  }

  run(context: CompressInput, next: SendHandler<EncodedContext>): Observable<SendResult> {
    const { state, given } = context as PipelineContext;
    const { body } = given;
    if (state.payload !== undefined && state.payloadSource === body) return next(context.encoded(state.payload));
    const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
    const isSmall = bytes.byteLength < this.#thresholdBytes;
    if (isSmall || context.batch !== undefined) return this.#goOn(context, next, { body: bytes, sysFlag: 0 });
    state.freshMs = Number.NaN;
    const compressed = this.#compressor.compress(bytes, this.#level);
    if (isPromiseLike(compressed)) {
      return later(context, Promise.resolve(compressed), (ready) =>
        this.#goOn(context, next, this.#smaller(bytes, ready)),
      );
    }
    return this.#goOn(context, next, this.#smaller(bytes, compressed));
  }

  #smaller(bytes: Uint8Array, compressed: Uint8Array): Payload {
    if (!isBytes(compressed)) throw new TypeError(`a compressor gives bytes, not ${typeof compressed}`);
    if (compressed.byteLength >= bytes.byteLength) return { body: bytes, sysFlag: 0 };
    return { body: compressed, sysFlag: SysFlag.COMPRESSED | this.#compressor.sysFlagBits };
  }

  #goOn(context: CompressInput, next: SendHandler<EncodedContext>, payload: Payload): Observable<SendResult> {
    const { state, given } = context as PipelineContext;
    state.payload = payload;
    state.payloadSource = given.body;
    return next(context.encoded(payload));
  }
}
