import { styleText } from 'node:util';
import Table from 'cli-table3';

const BAR_WIDTH = 30;
const AIRPORTS_SHOWN = 8;

const bold = (text) => (process.stdout.isTTY ? styleText('bold', text) : text);
/** No line between rows: all of it fits into a terminal of 80 columns. */
const plainTable = (head, rows, colAligns) => {
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const table = new Table({ head, colAligns, chars, style: { head: [], border: [] } });
  table.push(...rows);
  return table.toString();
};

/**
 * Mean time from entering a stage to entering the next, in microseconds, with its share as a bar. `inFlight` sends share a
 * broker, so most of `send` is waiting for one another.
 */
export function drawStages(stages, inFlight) {
  const most = Math.max(...stages.map((stage) => stage.meanUs));
  const rows = stages.map(({ stage, meanUs, count }) => [
    stage,
    String(count),
    meanUs.toFixed(1),
    '█'.repeat(Math.max(1, Math.round((meanUs / most) * BAR_WIDTH))),
  ]);
  return `${bold('Time per stage')}, ${inFlight} sends in flight\n${plainTable(['stage', 'passes', 'mean µs', ''], rows, ['left', 'right', 'right', 'left'])}`;
}

/** Mean departure delay of the airports with the most flights. */
export function drawDelays(delays) {
  const busiest = [...delays].sort((a, b) => b[1].flights - a[1].flights).slice(0, AIRPORTS_SHOWN);
  const most = Math.max(...busiest.map(([, { minutes, flights }]) => Math.abs(minutes / flights)), 1);
  const rows = busiest.map(([airport, { minutes, flights }]) => {
    const mean = minutes / flights;
    return [airport, String(flights), mean.toFixed(1), '█'.repeat(Math.round((Math.abs(mean) / most) * BAR_WIDTH))];
  });
  return `${bold('Delays by airport')}\n${plainTable(['airport', 'flights', 'mean min', ''], rows, ['left', 'right', 'right', 'left'])}`;
}

/** One line per reader: what it got of what was sent, and of runs before that did not end. */
export function drawReaders(readers) {
  const rows = readers.map(({ name, wanted, received, verdict }) => [
    name,
    String(wanted),
    String(received.size),
    String(verdict.missing.length),
    String(received.duplicates),
    String(received.leftovers),
    verdict.complete ? 'complete' : 'NOT COMPLETE',
  ]);
  const head = ['group', 'sent', 'received', 'missing', 'twice', 'other runs', ''];
  const table = plainTable(head, rows, ['left', ...Array(5).fill('right'), 'left']);
  const legend = readers.map(({ name, reads }) => `${name}: ${reads}`).join('\n');
  return `${bold('Sent against received')}\n${table}\n${legend}`;
}

export function drawThroughput(label, messages, bytes, elapsedMs) {
  const seconds = elapsedMs / 1000;
  const rate = Math.round(messages / seconds).toLocaleString('en-US');
  const what = `${messages.toLocaleString('en-US')} messages, ${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return `${label}: ${what} in ${seconds.toFixed(2)} s, ${rate} messages a second`;
}
