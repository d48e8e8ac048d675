/** Release numbers as headers carry them; behaviour hangs on some. Matches Apache's MQVersion. */
export const MQVersion = {
  /** First whose name server reads a broker's whole registration body. */
  V3_0_11: 37,
  /** First whose clients send maxReconsumeTimes. */
  V3_4_9: 121,
  /** First whose clients read routes with quoted integer keys. */
  V4_9_4: 401,
  V4_9_7: 407,
  /** First with a mapping section in compressed registration bodies, and with LITE_PULL_MESSAGE. */
  V5_0_0: 413,
  V5_5_0: 513,
} as const;

/** What both our sides say: behaviour of 4.9.7, standard JSON in routes, no GO_AWAY from 5.x servers. */
export const OWN_VERSION: number = MQVersion.V4_9_7;
