/** The part of zstd-codec that we use: its binding, since what is above it neither bounds nor streams what it makes. */
declare module 'zstd-codec/lib/module.js' {
  import type { ZstdBinding } from './wasm-zstd.js';

  export function run(onReady: (binding: ZstdBinding) => void): void;
}
