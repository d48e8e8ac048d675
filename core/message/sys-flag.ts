/** Bits of a message's `sysFlag`. Matches Apache's MessageSysFlag. */
export const SysFlag = {
  COMPRESSED: 0x1,
  MULTI_TAGS: 0x2,
  TRANSACTION_MASK: 0xc,
  TRANSACTION_NOT: 0x0,
  TRANSACTION_PREPARED: 0x4,
  TRANSACTION_COMMIT: 0x8,
  TRANSACTION_ROLLBACK: 0xc,
  BORN_HOST_V6: 0x10,
  STORE_HOST_V6: 0x20,
  NEED_UNWRAP: 0x40,
  INNER_BATCH: 0x80,
  COMPRESSION_MASK: 0x700,
  /** Written by clients before 4.9.3; read as zlib. */
  COMPRESSION_LEGACY: 0x000,
  COMPRESSION_LZ4: 0x100,
  COMPRESSION_ZSTD: 0x200,
  COMPRESSION_ZLIB: 0x300,
} as const;

export function isCompressed(sysFlag: number): boolean {
  return (sysFlag & SysFlag.COMPRESSED) !== 0;
}

/** One of SysFlag's TRANSACTION_ values. */
export function transactionType(sysFlag: number): number {
  return sysFlag & SysFlag.TRANSACTION_MASK;
}
