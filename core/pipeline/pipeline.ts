import { rocketMQError } from '../errors/rocketmq-error.js';
import { Chain, type ChainNode, type ChainServices } from './chain.js';
import type { SendContext } from './context.js';
import { createdBy } from './created-by.js';
import { orderGap } from './gap-order.js';
import type { ProducerFacts, SendAttachment, StageName } from './interceptor.js';
import type { CheckStage, Stage } from './stage.js';
import { STAGES } from './stages/index.js';
import type { BoundBy, ResolveFromScope } from './tokens.js';

/** What a pipeline is composed of. */
export interface PipelineParts extends Omit<ChainServices, 'validate' | 'group'> {
  readonly producer: ProducerFacts;
  readonly resolve: ResolveFromScope;
  readonly boundBy: BoundBy | undefined;
  readonly attachments: readonly SendAttachment[];
}

/**
 * Folds the six stages and what plugins attached in the gaps before them into one chain, once per producer.
 * @throws RMQ_PLUGIN_CONFLICT for a cycle in the order of plugins, RMQ_PLUGIN_FAILED for a `create` that throws
 */
export function composePipeline(parts: PipelineParts): Chain {
  const nodes: ChainNode[] = [];
  let check: CheckStage | undefined;
  for (const { name, token } of STAGES) {
    for (const attachment of orderGap(parts.attachments.filter((one) => one.beforeStage === name))) {
      const run = createdBy(attachment.plugin, 'an interceptor of sends', () => attachment.create(parts.producer));
      if (run !== undefined) nodes.push({ stage: name, plugin: attachment.plugin, boundBy: undefined, run });
    }
    const stage = parts.resolve(token) as Stage<SendContext, SendContext>;
    const boundBy = parts.boundBy?.(token, parts.producer);
    if (typeof stage?.run !== 'function') throw noStage(name, boundBy);
    if (name === 'check') check = stage as CheckStage;
    nodes.push({ stage: name, plugin: undefined, boundBy, run: stage.run.bind(stage) });
  }
  const validate = check?.validate === undefined ? undefined : check.validate.bind(check);
  return new Chain(nodes, { ...parts, group: parts.producer.group, validate });
}

/** The chain as a tree in text: each stage below the interceptors of the gap before it. */
export function describeChain(chain: Chain): string {
  const lines = [`send pipeline of producer group ${chain.group}`];
  let number = 0;
  const last = chain.nodes.length - 1;
  for (const [index, { stage, plugin, boundBy }] of chain.nodes.entries()) {
    const branch = index === last ? '└─' : '├─';
    if (plugin === undefined)
      lines.push(`${branch} ${++number} ${stage}${boundBy === undefined ? '' : ` (of ${boundBy})`}`);
    else lines.push(`${branch}   ↳ ${plugin} (before ${stage})`);
  }
  return lines.join('\n');
}

function noStage(name: StageName, plugin = `stage ${name}`): Error {
  return rocketMQError('RMQ_PLUGIN_FAILED', `what ${plugin} binds as stage ${name} has no run`, { plugin });
}
