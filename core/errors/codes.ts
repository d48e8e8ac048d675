/**
 * The whole error vocabulary: each code once, with what it means and what to do about it.
 * docs/reference/errors.md lists the same table; a test compares the two.
 */
export interface ErrorCodeFacts {
  /** Whether the same call may succeed when it is simply made again. */
  readonly retryable: boolean;
  /** What went wrong, in one sentence. */
  readonly cause: string;
  /** What to do, in one sentence; becomes `error.hint`. */
  readonly remedy: string;
}

/** Every code with its facts, such as `ERROR_CODES.RMQ_SEND_TIMEOUT.remedy`. */
export const ERROR_CODES = {
  RMQ_OPTIONS_INVALID: {
    retryable: false,
    cause: 'An option has a value that is not allowed; the message names it.',
    remedy: 'Correct the named option; docs/reference/options.md lists types and defaults.',
  },
  RMQ_NAME_SERVER_MISSING: {
    retryable: false,
    cause: 'No name server is known: no `cluster`, no `nameServers`, no NAMESRV_ADDR, no address server.',
    remedy:
      "Pass connect({ nameServers: '127.0.0.1:9876' }), set NAMESRV_ADDR, or embed a server: connect({ cluster: embedded({ dir: './data' }) }) with embedded from 'multistage/server'.",
  },
  RMQ_NAME_SERVER_UNREACHABLE: {
    retryable: true,
    cause: 'No name server of the list could be asked.',
    remedy:
      'Check the addresses and that a RocketMQ name server (usually port 9876) listens there; each is listed with its failure.',
  },
  RMQ_ROUTE_NOT_FOUND: {
    retryable: false,
    cause: 'The name server was asked and knows no route for the topic.',
    remedy: 'Create the topic, or enable autoCreateTopicEnable on a broker; check the namespace and the cluster.',
  },
  RMQ_BROKER_NOT_FOUND: {
    retryable: true,
    cause: 'The route names no address of that broker, also after asking once more.',
    remedy: 'Check that the broker runs and registers with these name servers.',
  },
  RMQ_BROKER_ERROR: {
    retryable: false,
    cause: 'The server answered with an error; `responseCode` and `remark` are its own words.',
    remedy: 'Look up responseCode in docs/reference/response-codes.md; the remark says what the server objects to.',
  },
  RMQ_CONNECT_FAILED: {
    retryable: true,
    cause: 'No connection could be made to the address, or its TLS handshake failed.',
    remedy: 'Check that the server runs and that its advertised address can be reached from here; see resolveAddress.',
  },
  RMQ_CONNECTION_LOST: {
    retryable: true,
    cause: 'The connection closed while the request was in flight.',
    remedy: 'The request may have been executed; make it again when it is idempotent.',
  },
  RMQ_REQUEST_TIMEOUT: {
    retryable: true,
    cause: 'The server did not answer the request in time.',
    remedy: 'The request may have been executed; check the server, or allow more time.',
  },
  RMQ_REQUEST_ABORTED: {
    retryable: false,
    cause: 'The request was cancelled by its caller.',
    remedy: 'Nothing to mend: the abort signal or an unsubscription asked for it.',
  },
  RMQ_FRAME_INVALID: {
    retryable: false,
    cause: 'Bytes that are no RocketMQ remoting frame arrived.',
    remedy: 'Check that the address is a name server or broker port, not a gRPC proxy, HTTP or TLS port.',
  },
  RMQ_BODY_INVALID: {
    retryable: false,
    cause: 'A frame was whole, but its header fields or body could not be read.',
    remedy: 'Report it with the request code and server version; the peer writes something unknown to us.',
  },
  RMQ_MESSAGE_ILLEGAL: {
    retryable: false,
    cause: 'The message breaks a rule of the protocol; the message of the error names the field and the limit.',
    remedy: 'Correct the named field.',
  },
  RMQ_VALUE_INVALID: {
    retryable: false,
    cause: 'A value did not satisfy the schema of its topic, or could not be written or read by its codec.',
    remedy: 'Correct the value; `issues` lists what the schema objects to.',
  },
  RMQ_QUEUE_NOT_FOUND: {
    retryable: false,
    cause: 'The queue that was asked for does not exist.',
    remedy: 'Use a queue that fetchPublishMessageQueues returns.',
  },
  RMQ_SEND_TIMEOUT: {
    retryable: true,
    cause: 'The send did not end within its deadline; `stage` or `plugin` names where it sat.',
    remedy:
      'Allow more time with timeoutMs, or look at what the named stage waits for. `sent` tells whether the message may be stored.',
  },
  RMQ_REPLY_TIMEOUT: {
    retryable: true,
    cause: 'A request was sent, but no reply to it came within its time.',
    remedy:
      'Check that a consumer of the topic runs and replies; allow more time with timeoutMs. The message is stored: ask again when that may be done twice.',
  },
  RMQ_SEND_FAILED: {
    retryable: true,
    cause: 'Every attempt of the send failed; `attempts` carries each with its broker.',
    remedy: 'Look at the attempts; send again when the message is idempotent.',
  },
  RMQ_BATCH_INCOMPLETE: {
    retryable: true,
    cause:
      'A part of a batch could not be sent; `cause` is its failure, `results` are those of the messages in front of it.',
    remedy:
      'Send `unsent` again, when its first `failedCount` messages are idempotent or `sent` is `no`; look at the cause first when it is not retryable.',
  },
  RMQ_SEND_FORBIDDEN: {
    retryable: false,
    cause: 'A plugin vetoed the send; `plugin` and `rule` name it.',
    remedy: 'Change the message, or the rule.',
  },
  RMQ_SEND_ABORTED: {
    retryable: false,
    cause: 'The send was cancelled by its caller.',
    remedy: 'Nothing to mend; `sent` tells whether the message may be stored.',
  },
  RMQ_NOT_STORED: {
    retryable: true,
    cause: "The broker accepted the message but could not flush or replicate it in time, and notStored is 'throw'.",
    remedy: "Send again when the message is idempotent, or use notStored: 'return' and look at result.status.",
  },
  RMQ_BACKPRESSURE: {
    retryable: true,
    cause: 'Too many sends are in flight: the budget by count or bytes stayed full until the deadline.',
    remedy: 'Await sends, use sendAll, or raise the producer option backPressure.',
  },
  RMQ_PIPELINE_MISUSE: {
    retryable: false,
    cause: 'An interceptor broke the pipeline contract; `interceptor` and `rule` name it.',
    remedy:
      'Call next once, with a context that context.with made, subscribe its Observable once, and end in exactly one result or one error.',
  },
  RMQ_PLUGIN_FAILED: {
    retryable: false,
    cause:
      'A plugin, or a part that it binds, threw, did not end in time, or gave what it should not; `plugin` names it and `cause` is what it threw.',
    remedy: 'Mend the plugin, or remove it.',
  },
  RMQ_PLUGIN_CONFLICT: {
    retryable: false,
    cause: 'Plugins cannot be put together: a cycle in their order, one token bound twice, or a missing requirement.',
    remedy: 'The message prints the plugins in question; change their order or remove one.',
  },
  RMQ_NOT_RUNNING: {
    retryable: false,
    cause: 'The client, producer or consumer is not running: closed already, or its start failed.',
    remedy: 'Create a new one; `state` tells which, and `cause` the first failure.',
  },
  RMQ_GROUP_DUPLICATE: {
    retryable: false,
    cause: 'This client has a producer or consumer of that group already.',
    remedy: 'Share the existing one, use another group, or a second connect().',
  },
  RMQ_SUBSCRIPTION_INVALID: {
    retryable: false,
    cause: 'A subscription expression could not be understood, or the broker refuses it.',
    remedy: "Use '*', tags joined by '||', or sql('…'); a broker's refusal comes with its code and remark.",
  },
  RMQ_MESSAGE_NOT_FOUND: {
    retryable: false,
    cause: 'No broker that was asked has a message of that id: it never was, or it was removed for its age.',
    remedy: 'Check the id and the topic; `msgId` of a send needs the topic, `offsetMsgId` does not.',
  },
  RMQ_CONSUME_TIMEOUT: {
    retryable: true,
    cause:
      'A handler, or the plugin that is named, did not end within consumeTimeoutMs; its messages come again and it is not waited for.',
    remedy: 'Let handlers end in time (context.signal tells them), or raise consumeTimeoutMs.',
  },
  RMQ_PULL_MISUSE: {
    retryable: false,
    cause: 'A pull consumer was used in two ways that exclude each other; `rule` says which.',
    remedy: 'Subscribe or assign, not both; poll again when the poll before has ended.',
  },
  RMQ_POLL_FAILED: {
    retryable: true,
    cause: 'A pulled message cannot be given out: it cannot be read, is no value of its topic, or a plugin refuses it.',
    remedy: 'Poll again to try it once more, or seek behind `queueOffset`; `cause` is what went wrong with it.',
  },
  RMQ_COMMIT_FAILED: {
    retryable: true,
    cause: 'Offsets could not be stored, or nobody knows; the log has the failure of each queue.',
    remedy: 'Commit again: what was polled since the last stored offset comes again otherwise.',
  },
  RMQ_OFFSET_ILLEGAL: {
    retryable: false,
    cause: 'The offset is not between the first and the last of its queue.',
    remedy: "Seek to one from `minOffset` to `maxOffset`, to 'first', 'last', or a timestamp.",
  },
  RMQ_CODEC_MISSING: {
    retryable: false,
    cause: 'A body is compressed with a codec that is not installed.',
    remedy: 'Install the named optional package, or bind a compressor of your own.',
  },
  RMQ_DECOMPRESS_FAILED: {
    retryable: false,
    cause: 'A compressed body is damaged, or larger than the limit when decompressed.',
    remedy: 'Check who wrote it; the limit is an option.',
  },
  RMQ_ADDRESS_IN_USE: {
    retryable: false,
    cause: 'The server cannot listen on the address.',
    remedy: 'Choose another port, or port 0 for any free one; the host has to be an address of this machine.',
  },
  RMQ_STORE_LOCKED: {
    retryable: false,
    cause: 'Another process holds the data directory; `holder` names it.',
    remedy: 'Connect to the server that has it, by connect({ nameServers }); or stop it, or use another directory.',
  },
  RMQ_STORE_UNUSABLE: {
    retryable: false,
    cause: 'The data directory cannot be used: not writable, or a file in it has an unexpected length or content.',
    remedy: 'Check permissions and that the configured segment sizes are those it was written with.',
  },
  RMQ_SERVER_FAILED: {
    retryable: false,
    cause: 'The worker thread of an embedded server ended by itself; `cause` is what it threw, if it threw.',
    remedy: 'Start it again: what was acknowledged is recovered as after a killed process. Report what it threw.',
  },
  RMQ_STORE_READ_ONLY: {
    retryable: false,
    cause: 'The store refuses writes: the disk is full, or a write or sync failed.',
    remedy: 'Make room or mend the disk; after a failed sync the store has to be opened again.',
  },
  RMQ_KIT_TIMEOUT: {
    retryable: false,
    cause: 'A test kit waited for messages and too few came; `found` tells how many there were.',
    remedy:
      'Await the sends before; advance kit.clock for what comes later (delays, retries); name the topic as it is on the wire.',
  },
  RMQ_KIT_RESTLESS: {
    retryable: false,
    cause: 'In one moment of a test kit one thing set off the next without end: time could not go on.',
    remedy:
      'Look for a handler that sends what it gets itself, or a loop that reads kit.clock; let it wait on kit.clock, or end it before.',
  },
} as const satisfies Record<string, ErrorCodeFacts>;

/** One of the codes in {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;
