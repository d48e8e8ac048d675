/**
 * For what a listener returned that is only told something. Where it is asynchronous nobody waits for it, and what it rejects
 * with would be an unhandled rejection, which ends the process.
 */
export function watchRejection(returned: unknown, failed: (error: unknown) => void): void {
  if (typeof returned === 'object' && returned !== null) Promise.resolve(returned).catch(failed);
}
