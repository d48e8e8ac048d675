import type { Processor, ProcessorsOnDemand } from '../../remoting/processors-on-demand.js';
import { type Token, token } from '../../runtime/token.js';

/** Answers one or more request codes of the name server; `core/server/request-tables.ts` says which. */
export interface NameServerProcessor extends Processor {}

/** All processors of the name server. */
export const NameServerProcessors: Token<ProcessorsOnDemand> = token('NameServerProcessors');
