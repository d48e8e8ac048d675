/** Bits of `sysFlag` in PULL_MESSAGE. Matches Apache's PullSysFlag. */
export const PullSysFlag = {
  COMMIT_OFFSET: 1,
  SUSPEND: 2,
  SUBSCRIPTION: 4,
  CLASS_FILTER: 8,
  LITE_PULL: 16,
} as const;

/** Bits of `topicSysFlag`. Matches Apache's TopicSysFlag. */
export const TopicSysFlag = { UNIT: 1, UNIT_SUB: 2 } as const;

/** Bits of a topic's or broker's `perm`. Matches Apache's PermName. */
export const Permission = { INHERIT: 1, WRITE: 2, READ: 4, PRIORITY: 8 } as const;
