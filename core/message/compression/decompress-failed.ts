import { type RocketMQErrorOf, rocketMQError } from '../../errors/rocketmq-error.js';

/** RMQ_DECOMPRESS_FAILED for a body of `bytes` bytes; `what` goes on from there: "is …", "cannot …". */
export function decompressFailed(
  bytes: number,
  what: string,
  cause?: unknown,
): RocketMQErrorOf<'RMQ_DECOMPRESS_FAILED'> {
  return rocketMQError('RMQ_DECOMPRESS_FAILED', `A body of ${bytes} bytes ${what}`, {}, { cause });
}

/** The same for one that grows beyond the limit. */
export function tooLarge(
  bytes: number,
  sizeBytesMax: number,
  cause?: unknown,
): RocketMQErrorOf<'RMQ_DECOMPRESS_FAILED'> {
  return decompressFailed(bytes, `is more than ${sizeBytesMax} bytes when decompressed`, cause);
}
