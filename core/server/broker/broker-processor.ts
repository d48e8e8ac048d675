import type { Processor, ProcessorsOnDemand } from '../../remoting/processors-on-demand.js';
import { type Token, token } from '../../runtime/token.js';

/** Answers one or more request codes of the broker; `core/server/request-tables.ts` says which. */
export interface BrokerProcessor extends Processor {}

/** All processors of the broker. */
export const BrokerProcessors: Token<ProcessorsOnDemand> = token('BrokerProcessors');
