import type { StoreFile, StoreFiles } from './store-files.js';

/** Writes all of the bytes, in as many calls as that takes. @throws EIO when a call writes nothing */
export function writeAll(file: StoreFile, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.byteLength; ) {
    const step = file.writevSync([bytes.subarray(written)], position + written);
    if (step <= 0) throw nothingWritten(file.path);
    written += step;
  }
}

/** A small file as it is now; undefined when there is none. */
export function readFile(files: StoreFiles, path: string): Buffer | undefined {
  if (!files.exists(path)) return undefined;
  const file = files.open(path);
  try {
    const bytes = Buffer.alloc(file.sizeBytes);
    return bytes.subarray(0, file.readSync(bytes, 0));
  } finally {
    file.close();
  }
}

/** Makes a file of these bytes in place of the one that is there, and puts it on the disk; not yet its name. */
export async function writeFile(files: StoreFiles, path: string, bytes: Uint8Array): Promise<void> {
  files.removeFile(path);
  const file = files.create(path, bytes.byteLength);
  try {
    writeAll(file, bytes, 0);
    await file.sync();
  } finally {
    file.close();
  }
}

/** What stands for a write that took nothing, and would take nothing again and again. */
export function nothingWritten(path: string): Error {
  return Object.assign(new Error(`EIO: nothing written, ${path}`), { code: 'EIO' });
}
