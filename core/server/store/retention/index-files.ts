import { readInt64 } from '../../../message/int64.js';
import type { StoreFiles } from '../files/store-files.js';

/** An index file is named by the time it was made: yyyyMMddHHmmssSSS. */
const NAME = /^\d{17}$/;
const HEADER_SIZE_BYTES = 40;
/** Where the header tells the commit-log offset of the last message in the file. */
const END_OFFSET_AT = 24;

/**
 * Removes the files of `index/` whose messages all lie in front of `commitLogStart`, the oldest first and never the last
 * one (Apache's IndexService.deleteExpiredFile). Returns how many.
 */
export async function removeIndexFilesBefore(
  directory: string,
  files: StoreFiles,
  commitLogStart: number,
): Promise<number> {
  const names = files.list(directory).filter((name) => NAME.test(name));
  let removed = 0;
  for (const name of names.slice(0, -1)) {
    const path = `${directory}/${name}`;
    if (!(await endsBefore(path, files, commitLogStart))) break;
    files.removeFile(path);
    await files.syncDirectory(directory);
    removed++;
  }
  return removed;
}

async function endsBefore(path: string, files: StoreFiles, commitLogStart: number): Promise<boolean> {
  const file = files.open(path);
  try {
    const header = Buffer.alloc(HEADER_SIZE_BYTES);
    return (await file.read(header, 0)) === header.length && readInt64(header, END_OFFSET_AT) < commitLogStart;
  } finally {
    file.close();
  }
}
