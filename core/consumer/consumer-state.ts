/** Where a consumer is in its life; `running` from the moment it has its first share of the queues. */
export type ConsumerState = 'created' | 'starting' | 'running' | 'start failed' | 'closing' | 'shut down';
