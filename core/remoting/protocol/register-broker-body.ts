import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { rocketMQError } from '../../errors/rocketmq-error.js';
import { formatBody, listMember, objectOf, parseBody, stringMember, stringOf, tableMember } from './body-fields.js';
import { type DataVersion, readDataVersion } from './data-version.js';
import { type DialectObject, parseJsonDialect, stringifyJsonDialect } from './json-dialect.js';
import { readTopicConfig, type TopicConfig } from './topic-config.js';
import { MQVersion } from './version.js';

/** What a broker registers with a name server: the body of REGISTER_BROKER. Matches Apache's RegisterBrokerBody. */
export interface RegisterBrokerBody {
  readonly topicConfigSerializeWrapper: {
    readonly topicConfigTable: ReadonlyMap<string, TopicConfig>;
    readonly dataVersion: DataVersion;
    /** 5.x only: static topics by name, as they were read. */
    readonly topicQueueMappingInfoMap?: ReadonlyMap<string, DialectObject>;
  };
  readonly filterServerList: readonly string[];
}

export interface RegisterBrokerBodyForm {
  /** Header field `compressed`. */
  readonly compressed: boolean;
  /** Version of the writer, from its header: from 413 on the compressed form has a section more. */
  readonly version: number;
}

/** What a compressed registration may grow to. */
const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

const NAME = 'RegisterBrokerBody';

/** `bodyCrc32` of the header: of the bytes as they are sent, 31 bits; 0 would switch the check off. */
export function registerBrokerCrc(body: Buffer): number {
  return crc32(body) & 0x7fffffff;
}

/** @see decodeRegisterBrokerBody for the compressed form */
export function encodeRegisterBrokerBody(body: RegisterBrokerBody, form: RegisterBrokerBodyForm): Buffer {
  if (!form.compressed) return formatBody(body);
  const { dataVersion, topicConfigTable, topicQueueMappingInfoMap } = body.topicConfigSerializeWrapper;
  const parts: Buffer[] = [];
  const writeInt32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    parts.push(bytes);
  };
  const writeText = (text: string) => {
    const bytes = Buffer.from(text);
    writeInt32(bytes.length);
    parts.push(bytes);
  };
  writeText(stringifyJsonDialect(dataVersion));
  writeInt32(topicConfigTable.size);
  for (const topic of topicConfigTable.values()) writeText(topicText(topic, form.version));
  writeText(stringifyJsonDialect(body.filterServerList));
  if (form.version >= MQVersion.V5_0_0) {
    const mappings = [...(topicQueueMappingInfoMap?.values() ?? [])];
    writeInt32(mappings.length);
    for (const mapping of mappings) writeText(stringifyJsonDialect(mapping));
  }
  return deflateSync(Buffer.concat(parts), { level: 9 });
}

/**
 * Reads a registration, plain JSON or compressed:
 *
 * ```
 * zlib( text DataVersion | i32 count, count × text topic | text filterServerList
 *       from version 413 on: | i32 count, count × text TopicQueueMappingInfo )
 * text  = i32 length + UTF-8
 * topic = name " " readQueueNums " " writeQueueNums " " perm " " topicFilterType [ " " attributes ]
 * ```
 * @throws RMQ_BODY_INVALID when it cannot be read, or is larger than 64 MiB when decompressed
 */
export function decodeRegisterBrokerBody(body: Buffer, form: RegisterBrokerBodyForm): RegisterBrokerBody {
  return form.compressed ? readCompressed(inflate(body), form.version) : readPlain(body);
}

function readPlain(body: Buffer): RegisterBrokerBody {
  const registration = parseBody(body, NAME);
  const wrapperName = `${NAME}.topicConfigSerializeWrapper`;
  const wrapper = objectOf(registration.topicConfigSerializeWrapper ?? Object.create(null), wrapperName);
  const mappings = tableMember(wrapper, 'topicQueueMappingInfoMap', wrapperName, objectOf);
  return {
    topicConfigSerializeWrapper: {
      topicConfigTable: tableMember(wrapper, 'topicConfigTable', wrapperName, readTopicConfig),
      dataVersion: readDataVersion(wrapper.dataVersion, `${wrapperName}.dataVersion`),
      ...(mappings.size === 0 ? {} : { topicQueueMappingInfoMap: mappings }),
    },
    filterServerList: listMember(registration, 'filterServerList', NAME, stringOf),
  };
}

function readCompressed(bytes: Buffer, version: number): RegisterBrokerBody {
  let position = 0;
  const readInt32 = (): number => {
    if (bytes.length - position < 4) throw damaged('it ends too early');
    position += 4;
    return bytes.readInt32BE(position - 4);
  };
  const readText = (): string => {
    const length = readInt32();
    if (length < 0 || length > bytes.length - position) throw damaged(`a text of ${length} bytes leads out of it`);
    position += length;
    return bytes.toString('utf8', position - length, position);
  };
  const dataVersion = readDataVersion(parseJsonDialect(readText()), `${NAME}.dataVersion`);
  const topicConfigTable = new Map<string, TopicConfig>();
  for (let left = readInt32(); left > 0; left--) {
    const topic = readTopicText(readText());
    topicConfigTable.set(topic.topicName, topic);
  }
  const filterServers = { filterServerList: parseJsonDialect(readText()) };
  const mappings = new Map<string, DialectObject>();
  if (version >= MQVersion.V5_0_0) {
    for (let left = readInt32(); left > 0; left--) {
      const mapping = objectOf(parseJsonDialect(readText()), 'TopicQueueMappingInfo');
      mappings.set(stringMember(mapping, 'topic', 'TopicQueueMappingInfo'), mapping);
    }
  }
  return {
    topicConfigSerializeWrapper: {
      topicConfigTable,
      dataVersion,
      ...(mappings.size === 0 ? {} : { topicQueueMappingInfoMap: mappings }),
    },
    filterServerList: listMember(filterServers, 'filterServerList', NAME, stringOf),
  };
}

function topicText(topic: TopicConfig, version: number): string {
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType, attributes } = topic;
  const text = `${topicName} ${readQueueNums} ${writeQueueNums} ${perm} ${topicFilterType}`;
  if (version < MQVersion.V5_0_0) return text;
  return `${text} ${stringifyJsonDialect(attributes ?? {})}`;
}

function readTopicText(text: string): TopicConfig {
  const match = /^(\S+) (\d+) (\d+) (\d+) (\w+)(?: (.*))?$/s.exec(text);
  if (match === null) throw damaged(`${JSON.stringify(text.slice(0, 200))} is no topic`);
  const [, topicName, readQueueNums, writeQueueNums, perm, topicFilterType, attributesText] = match;
  const attributes =
    attributesText === undefined ? undefined : objectOf(parseJsonDialect(attributesText), 'attributes');
  return {
    topicName: topicName!,
    readQueueNums: Number(readQueueNums),
    writeQueueNums: Number(writeQueueNums),
    perm: Number(perm),
    topicFilterType: topicFilterType!,
    topicSysFlag: 0,
    order: false,
    ...(attributes === undefined || Object.keys(attributes).length === 0
      ? {}
      : { attributes: attributes as Record<string, string> }),
  };
}

function inflate(body: Buffer): Buffer {
  try {
    return inflateSync(body, { maxOutputLength: DECOMPRESSED_BYTES_MAX });
  } catch (cause) {
    throw rocketMQError('RMQ_BODY_INVALID', 'A compressed registration cannot be decompressed', {}, { cause });
  }
}

function damaged(what: string) {
  return rocketMQError('RMQ_BODY_INVALID', `A compressed registration cannot be read: ${what}`, {});
}
