import type { Token } from '../../runtime/token.js';
import type { StageName } from '../interceptor.js';
import { SendStage } from '../tokens.js';
import { Check } from './1-check.js';
import { Route } from './2-route.js';
import { Select } from './3-select.js';
import { Compress } from './4-compress.js';
import { Send } from './5-send.js';
import { UpdateFault } from './6-update-fault.js';

/** The six stages in their order. */
export const STAGES: readonly { readonly name: StageName; readonly token: Token<unknown> }[] = [
  { name: 'check', token: SendStage.check },
  { name: 'route', token: SendStage.route },
  { name: 'select', token: SendStage.select },
  { name: 'compress', token: SendStage.compress },
  { name: 'send', token: SendStage.send },
  { name: 'updateFault', token: SendStage.updateFault },
];

/** What the container binds, transient, for a producer's child container to resolve. */
// biome-ignore lint/suspicious/noExplicitAny: their parameters are resolved by token
export const sendStageBindings: readonly (readonly [Token<unknown>, new (...parameters: any[]) => unknown])[] = [
  [SendStage.check, Check],
  [SendStage.route, Route],
  [SendStage.select, Select],
  [SendStage.compress, Compress],
  [SendStage.send, Send],
  [SendStage.updateFault, UpdateFault],
];
