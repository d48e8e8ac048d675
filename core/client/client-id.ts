/** `ip@instanceName[@unitName]`. Matches Apache's ClientConfig.buildMQClientId. */
export function formatClientId(clientIP: string, instanceName: string, unitName: string | undefined): string {
  return unitName === undefined ? `${clientIP}@${instanceName}` : `${clientIP}@${instanceName}@${unitName}`;
}

/** An instance name no other client has: `pid#` and 48 random bits. */
export function uniqueInstanceName(pid: number, random: () => number): string {
  const half = (): string =>
    Math.floor(random() * 0x1000000)
      .toString(16)
      .padStart(6, '0');
  return `${pid}#${half()}${half()}`;
}
