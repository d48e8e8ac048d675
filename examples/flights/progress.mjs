import cliProgress from 'cli-progress';

/** Two bars on a terminal, nothing elsewhere. */
export function startProgress(total) {
  if (!process.stdout.isTTY) return { sent: () => {}, received: () => {}, stop: () => {} };
  const bars = new cliProgress.MultiBar(
    { format: '{name} [{bar}] {value}/{total}', hideCursor: true, fps: 10 },
    cliProgress.Presets.shades_classic,
  );
  const sent = bars.create(total, 0, { name: 'sent    ' });
  const received = bars.create(total, 0, { name: 'received' });
  // Ctrl-C ends the job at once, as without bars, but not with the terminal's cursor hidden.
  const interrupted = () => {
    bars.stop();
    process.kill(process.pid, 'SIGINT');
  };
  process.once('SIGINT', interrupted);
  return {
    sent: (count) => sent.update(count),
    received: (count) => received.update(count),
    stop: () => {
      process.off('SIGINT', interrupted);
      bars.stop();
    },
  };
}
