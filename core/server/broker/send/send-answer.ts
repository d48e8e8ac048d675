import { type FieldWriter, fieldNames, recordFields } from '../../../remoting/protocol/field-writer.js';
import type { ExtInput } from '../../../remoting/protocol/remoting-command.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';

/** What every answer of a broker to a send says of the broker. */
export interface SendAnswerFacts {
  readonly regionId: string;
  readonly traceOn: boolean;
}

const Field = fieldNames({
  msgId: 'msgId',
  queueId: 'queueId',
  queueOffset: 'queueOffset',
  regionId: 'MSG_REGION',
  traceOn: 'TRACE_ON',
});

/** The answer to a send whose message is stored. Matches Apache's SendMessageResponseHeader. */
export class SendAnswer implements OutgoingResponse {
  readonly code: number;
  readonly #msgId: string;
  readonly #queueId: number;
  readonly #queueOffset: number;
  readonly #facts: SendAnswerFacts;

  constructor(code: number, msgId: string, queueId: number, queueOffset: number, facts: SendAnswerFacts) {
    this.code = code;
    this.#msgId = msgId;
    this.#queueId = queueId;
    this.#queueOffset = queueOffset;
    this.#facts = facts;
  }

  get ext(): ExtInput {
    return recordFields(this);
  }

  writeFields(writer: FieldWriter): void {
    writer.text(Field.msgId, this.#msgId);
    writer.number(Field.queueId, this.#queueId);
    writer.number(Field.queueOffset, this.#queueOffset);
    writer.text(Field.regionId, this.#facts.regionId);
    writer.boolean(Field.traceOn, this.#facts.traceOn);
  }
}
