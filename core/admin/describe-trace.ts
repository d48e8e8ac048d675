import type { MessageTrace, TracedDelivery, TracedGroup, TracedSend } from './message-trace.js';

/**
 * A trace as a tree in text, for people: who sent the message, how its transaction ended, and what each group did with it, with
 * the time since it was first sent, or since the first that is known where nobody traced that.
 * @example console.log(describeTrace(await mq.admin.trace(msgId)));
 */
export function describeTrace(trace: MessageTrace): string {
  const { msgId, keys, sends, transactionEnds, recalls, groups } = trace;
  const [first] = sends;
  const startMs = first?.timestamp ?? earliestOf(trace);
  const since = (timestamp: number | undefined): string => sinceText(timestamp, startMs);
  const steps = [
    ...sends.map((send) => ({ at: send.timestamp, text: `${since(send.timestamp)} ${sendText(send)}` })),
    ...transactionEnds.map(({ timestamp, group, clientHost, transactionState, fromTransactionCheck }) => ({
      at: timestamp,
      text: `${since(timestamp)} ${transactionState} by ${group} at ${clientHost}${fromTransactionCheck ? ', as the broker asked' : ''}`,
    })),
    ...recalls.map(({ timestamp, group, clientHost, success }) => ({
      at: timestamp,
      text: `${since(timestamp)} called back by ${group} at ${clientHost}${success ? '' : ', in vain'}`,
    })),
  ].sort((one, other) => one.at - other.at);
  const branches = [...steps.map(({ text }) => [text]), ...groups.map((group) => groupLines(group, since))];
  if (branches.length === 0) branches.push(['no traces']);
  const { topic } = first ?? transactionEnds[0] ?? recalls[0] ?? {};
  const title = [
    topic === undefined ? msgId : `${msgId} of ${topic}`,
    ...(keys === undefined ? [] : [`keys ${keys}`]),
    ...(Number.isFinite(startMs) ? [new Date(startMs).toISOString()] : []),
  ].join(', ');
  return [title, ...treeLines(branches)].join('\n');
}

/** The first that is known of a message whose send nobody traced. */
function earliestOf({ transactionEnds, recalls, groups }: MessageTrace): number {
  const calls = groups.flatMap(({ deliveries }) =>
    deliveries.map(({ startTimestamp, end }) => startTimestamp ?? end?.timestamp),
  );
  const known = [...transactionEnds, ...recalls].map(({ timestamp }) => timestamp);
  return Math.min(...[...known, ...calls].filter((timestamp) => timestamp !== undefined));
}

function sendText(send: TracedSend): string {
  const { group, clientHost, storeHost = 'a broker', success, costMs, messageType, bodyLengthBytes } = send;
  const kind = messageType === undefined || messageType === 'Normal_Msg' ? '' : `, ${messageType}`;
  const end = success ? 'stored' : 'stored, but not as safely as it should be,';
  return `sent by ${group} at ${clientHost} to ${storeHost}: ${end} after ${costMs} ms, ${bodyLengthBytes} ${bodyLengthBytes === 1 ? 'byte' : 'bytes'}${kind}`;
}

function groupLines({ group, deliveries }: TracedGroup, since: (timestamp: number | undefined) => string): string[] {
  const lines = treeLines(deliveries.map((delivery) => [deliveryText(delivery, since)]));
  return [group ?? 'a group that is not named', ...lines];
}

function deliveryText(delivery: TracedDelivery, since: (timestamp: number | undefined) => string): string {
  const { startTimestamp, clientHost, retryTimes = 0, end } = delivery;
  const retry = retryTimes === 0 ? '' : `, retry ${retryTimes}`;
  const status = end === undefined ? 'not ended' : `${endText(end)} after ${end.costMs} ms`;
  return `${since(startTimestamp ?? end?.timestamp)} at ${clientHost}${retry}: ${status}`;
}

function endText({ returnType, success }: NonNullable<TracedDelivery['end']>): string {
  return returnType ?? (success ? 'SUCCESS' : 'FAILED');
}

function sinceText(timestamp: number | undefined, startMs: number): string {
  if (timestamp === undefined) return '?';
  const elapsedMs = timestamp - startMs;
  return `${elapsedMs < 0 ? '-' : '+'}${Math.abs(elapsedMs).toLocaleString('en-US')} ms`;
}

/** Each branch is a line, and what hangs below it. */
function treeLines(branches: readonly (readonly string[])[]): string[] {
  return branches.flatMap(([head = '', ...rest], index) => {
    const isLast = index === branches.length - 1;
    return [`${isLast ? '└─' : '├─'} ${head}`, ...rest.map((line) => `${isLast ? '  ' : '│ '} ${line}`)];
  });
}
