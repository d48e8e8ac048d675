/**
 * Finds who holds a POSIX lock on a file, from the text of `/proc/locks`. Each line is
 *
 *     1: POSIX  ADVISORY  WRITE 12345 08:01:1234567 0 EOF
 *     |  |      |         |     |     |  |  |       range
 *     |  |      |         |     |     |  |  inode
 *     |  |      |         |     |     device, major and minor in hexadecimal
 *     |  |      |         |     process
 *
 * and waiters have `->` after the number. A lock from another process namespace shows process 0 or -1.
 */
export function findPosixLockHolder(
  locks: string,
  file: { readonly dev: bigint; readonly ino: bigint },
): number | undefined {
  const wanted = `${deviceName(file.dev)}:${file.ino}`;
  for (const line of locks.split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[1] === 'POSIX' && fields[5] === wanted) return Number(fields[4]);
  }
  return undefined;
}

function deviceName(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  return `${hexadecimal(major)}:${hexadecimal(minor)}`;
}

function hexadecimal(value: bigint): string {
  return value.toString(16).padStart(2, '0');
}
