import { finalize, tap } from 'rxjs';
import { type Client, type ConsumedMessage, type Consumer, connect, type Plugin } from '../../../core/index.js';
import type { MessageQueue } from '../../../core/message/message.js';
import { decodeLockBatchRequest, decodeLockBatchResponse } from '../../../core/remoting/protocol/lock-batch.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { RequestInterceptor } from '../../../core/remoting/request-interceptor.js';
import { waitFor } from '../wait-for.js';
import { type CuttableTransport, cuttableTransport } from './cuttable-transport.js';
import type { StormLedger } from './storm-ledger.js';

export interface StormMemberOptions {
  readonly name: string;
  readonly nameServer: string;
  readonly topic: string;
  readonly group: string;
  readonly ordered: boolean;
  readonly persistOffsetIntervalMs: number;
  readonly ledger: StormLedger;
  /** What handling a message means: how long it takes, and whether it goes well. */
  readonly work: (offset: number) => Promise<boolean> | boolean;
}

const NEVER = new Promise<never>(() => {});

/** A consumer with a client of its own, as if it were a process. */
export class StormMember {
  readonly name: string;
  readonly #options: StormMemberOptions;
  readonly #transport: CuttableTransport = cuttableTransport();
  #client: Client | undefined;
  #consumer: Consumer | undefined;
  #dead = false;
  /** Members of the group, as it counted them last. */
  #members = 0;
  /** Heartbeats that no broker has answered. */
  #heartbeats = 0;

  constructor(options: StormMemberOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Queues of the topic that it reads. */
  get queues(): number {
    return this.#consumer?.assignment().length ?? 0;
  }

  /** Where it stands, in words. */
  get standing(): string {
    const queues = this.#consumer?.assignment().map(({ queueId }) => queueId);
    return `${this.name} counts ${this.#members} members and reads ${queues?.join(', ')}`;
  }

  async join(): Promise<void> {
    const { nameServer, topic, group, ordered, persistOffsetIntervalMs } = this.#options;
    this.#client = await connect({
      cluster: {
        start: async () => ({ nameServers: nameServer, transport: this.#transport, release: async () => undefined }),
      },
      plugins: [this.#requestWatch()],
    });
    this.#consumer = await this.#client.consumer({
      ...{ group, subscribe: { [topic]: '*' }, from: 'first', ordered, persistOffsetIntervalMs },
      ...{ suspendCurrentQueueTimeMs: 10, pullRetryDelayMs: 100, rebalanceIntervalMs: 1_000 },
    });
    this.#watch(this.#consumer.events$);
    await this.#consumer.run((message: ConsumedMessage) => this.#handle(message));
  }

  /** As an application stops: with what it has begun done and stored. */
  async leave(): Promise<void> {
    await this.#consumer?.close();
    if (this.#dead) return;
    this.#options.ledger.left(this.name);
    await this.#client?.close();
  }

  /** As a process that is killed: nobody hears of it again, and it does nothing any more. */
  async kill(): Promise<void> {
    await this.#heartbeatsEnded();
    this.#dead = true;
    this.#transport.kill();
    this.#options.ledger.killed(this.name);
    await this.#consumer?.close({ timeoutMs: 0 });
    await this.#client?.close();
  }

  /** Its connections break; it makes new ones. */
  async cut(): Promise<void> {
    await this.#heartbeatsEnded();
    this.#options.ledger.cut(this.name);
    this.#transport.cut();
  }

  async #handle({ brokerName, queueId, queueOffset, body }: ConsumedMessage): Promise<void> {
    if (this.#dead) return NEVER;
    const { ledger, work } = this.#options;
    const [key = '', number] = body.toString('latin1').split('-');
    const end = ledger.handling(this.name, placeOf({ brokerName, queueId }), queueOffset, key, Number(number));
    const working = work(queueOffset);
    const well = typeof working === 'boolean' ? working : await working;
    if (this.#dead) return NEVER;
    end(well);
    if (!well) throw new Error('not this time');
  }

  /**
   * Apache's brokers count a client in whose connection ended while they worked on its heartbeat: for two minutes the others
   * leave queues to it, whatever clients do.
   */
  async #heartbeatsEnded(): Promise<void> {
    const what = `the heartbeats of ${this.name} to be answered`;
    await waitFor(() => this.#heartbeats === 0, { timeoutMs: 60_000, what });
  }

  #watch(events$: Consumer['events$']): void {
    const { topic, ledger } = this.#options;
    events$.subscribe((event) => {
      if (event.type === 'rebalanced' && event.topic === topic) this.#members = event.members;
      if (this.#dead || !('queue' in event) || event.queue.topic !== topic) return;
      const place = placeOf(event.queue);
      if (event.type === 'queueAssigned') ledger.assigned(this.name, place, event.offset);
      else if (event.type === 'queueLost') ledger.lost(this.name, place, event.why);
    });
  }

  /** Tells the ledger when the member asks where to begin, what it has stored, and which locks it asks for. */
  #requestWatch(): Plugin {
    const { topic, ledger } = this.#options;
    const watch: RequestInterceptor = (context, next) => {
      const { code, ext, body = Buffer.alloc(0) } = context;
      if (code === RequestCode.HEART_BEAT) {
        this.#heartbeats++;
        return next(context).pipe(finalize(() => this.#heartbeats--));
      }
      if (code === RequestCode.LOCK_BATCH_MQ || code === RequestCode.UNLOCK_BATCH_MQ) {
        const { mqSet } = decodeLockBatchRequest(Buffer.from(body));
        const verb = code === RequestCode.LOCK_BATCH_MQ ? 'lock' : 'unlock';
        this.#note(mqSet, `asks to ${verb} it`);
        return next(context).pipe(
          tap({
            next: (response) => {
              if (verb === 'lock' && response?.code === 0)
                this.#note(decodeLockBatchResponse(response.body), 'has the lock');
            },
            error: () => this.#note(mqSet, `has no answer to ${verb}`),
          }),
        );
      }
      if (ext.get('topic') !== topic) return next(context);
      const place = placeOf({ brokerName: ext.get('bname') ?? '', queueId: Number(ext.get('queueId')) });
      if (code === RequestCode.QUERY_CONSUMER_OFFSET) ledger.asked(this.name, place);
      if (code !== RequestCode.UPDATE_CONSUMER_OFFSET) return next(context);
      const confirmed = ledger.storing(this.name, place, Number(ext.get('commitOffset')));
      return next(context).pipe(tap((response) => response?.code === 0 && confirmed()));
    };
    return { name: 'request-watch', setup: (host) => host.interceptRequest('decorate', watch) };
  }

  #note(queues: readonly MessageQueue[], what: string): void {
    const { topic, ledger } = this.#options;
    for (const queue of queues) if (queue.topic === topic) ledger.note(placeOf(queue), `${this.name} ${what}`);
  }
}

function placeOf({ brokerName, queueId }: { readonly brokerName: string; readonly queueId: number }): string {
  return `${brokerName}/${queueId}`;
}
