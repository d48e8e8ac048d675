import { inject, injectable } from 'inversify';
import { stringifyJsonDialect } from '../../../remoting/protocol/json-dialect.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { BrokerCounters } from '../broker-counters.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { BrokerSettings } from '../broker-settings.js';

/** GET_BROKER_CONFIG: the settings as the text of a properties file, under Apache's names. */
@injectable()
export class BrokerConfigProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #counters: BrokerCounters;

  readonly handlers = {
    [RequestCode.GET_BROKER_CONFIG]: (): OutgoingResponse => {
      // Settings are made once, at start: their version is that moment.
      const version = { counter: 0, timestamp: this.#counters.bootTimestamp };
      return {
        code: ResponseCode.SUCCESS,
        ext: { version: stringifyJsonDialect(version) },
        body: Buffer.from(this.#text()),
      };
    },
  };

  constructor(@inject(BrokerSettings) settings: BrokerSettings, @inject(BrokerCounters) counters: BrokerCounters) {
    this.#settings = settings;
    this.#counters = counters;
  }

  #text(): string {
    const {
      clusterName,
      address,
      haServerAddr,
      nameServers,
      heldPullsMax: _held,
      delayLevelsMs: _levels,
      storeHost,
      storeSettings,
      ...named
    } = this.#settings;
    const host = address.slice(0, address.lastIndexOf(':'));
    const values = {
      ...named,
      brokerClusterName: clusterName,
      brokerIP1: host,
      brokerIP2: host,
      listenPort: address.slice(address.lastIndexOf(':') + 1),
      haListenPort: haServerAddr.slice(haServerAddr.lastIndexOf(':') + 1),
      namesrvAddr: nameServers.join(';'),
      storeHost,
      brokerRole: 'ASYNC_MASTER',
      forceRegister: true,
      compressedRegister: false,
      ...storeSettings,
    };
    return Object.entries(values)
      .map(([name, value]) => `${name}=${escapeProperty(String(value))}\n`)
      .join('');
  }
}

/** A properties file takes a backslash as the start of an escape. */
function escapeProperty(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}
