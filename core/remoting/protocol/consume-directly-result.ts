import { formatBody } from './body-fields.js';

/** How a handler took one message. Matches Apache's CMResult. */
export type ConsumeResult =
  | 'CR_SUCCESS'
  | 'CR_LATER'
  | 'CR_ROLLBACK'
  | 'CR_COMMIT'
  | 'CR_THROW_EXCEPTION'
  | 'CR_RETURN_NULL';

/** What a consumer answers to CONSUME_MESSAGE_DIRECTLY. Matches Apache's ConsumeMessageDirectlyResult. */
export interface ConsumeDirectlyResult {
  readonly order: boolean;
  readonly autoCommit: boolean;
  readonly consumeResult: ConsumeResult;
  /** Why, where it failed. */
  readonly remark: string | undefined;
  /** Apache's spelling. */
  readonly spentTimeMills: number;
}

export function encodeConsumeDirectlyResult({ remark, ...result }: ConsumeDirectlyResult): Buffer {
  return formatBody(remark === undefined ? result : { ...result, remark });
}
