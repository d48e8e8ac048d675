import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { FrameDecoder } from '../../core/remoting/protocol/frame-decoder.js';
import { CommandFlag, type RemotingCommand } from '../../core/remoting/protocol/remoting-command.js';

const GOLDEN = new URL('../golden/', import.meta.url);

/** A frame as Apache's client or server wrote it. */
export interface GoldenFrame {
  readonly recording: string;
  readonly link: 'namesrv' | 'broker';
  readonly conn: number;
  readonly from: 'client' | 'server';
  readonly bytes: Buffer;
}

/** Every recorded frame, in the order recorded. */
export function goldenFrames(): GoldenFrame[] {
  const lines = gunzipSync(readFileSync(new URL('frames.jsonl.gz', GOLDEN)))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => {
    const { frame, ...rest } = JSON.parse(line);
    return { ...rest, bytes: Buffer.from(frame, 'hex') };
  });
}

/** The files of a recorded store by path (`commitlog/00000000000000000000`). */
export function goldenStore(name: 'apache-4.9.7-clean' | 'apache-4.9.7-killed'): Map<string, Buffer> {
  return readTar(gunzipSync(readFileSync(new URL(`store/${name}.tar.gz`, GOLDEN))));
}

/** Plain files of a ustar archive: headers of 512 bytes, contents padded to 512. */
function readTar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let position = 0; position + 512 <= archive.length && archive[position] !== 0; ) {
    const field = (at: number, length: number) =>
      archive.toString('latin1', position + at, position + at + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 12), 8);
    const path = field(0, 100).replace(/^\.\//, '');
    if (field(156, 1) === '0') files.set(path, archive.subarray(position + 512, position + 512 + size));
    position += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** A recorded command with what it answers. */
export interface GoldenCommand {
  readonly command: RemotingCommand;
  readonly isResponse: boolean;
  /** Its own code, or that of the request that it answers; undefined for an answer to an unrecorded request. */
  readonly requestCode: number | undefined;
}

/** Every recorded frame decoded, responses with the code of their request. */
export function goldenCommands(): GoldenCommand[] {
  const requestCodes = new Map<string, number>();
  return goldenFrames().map(({ recording, link, conn, from, bytes }) => {
    const commands: RemotingCommand[] = [];
    new FrameDecoder({ onCommand: (command) => commands.push(command) }).push(bytes);
    const command = commands[0]!;
    const isResponse = (command.flag & CommandFlag.RESPONSE) !== 0;
    const asker = isResponse ? (from === 'client' ? 'server' : 'client') : from;
    const key = [recording, link, conn, asker, command.opaque].join(' ');
    if (!isResponse) requestCodes.set(key, command.code);
    return { command, isResponse, requestCode: requestCodes.get(key) };
  });
}
