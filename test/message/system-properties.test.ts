import { describe, expect, test } from 'vitest';
import type { OutgoingMessage } from '../../core/message/message.js';
import { formatMessageProperties } from '../../core/message/message-properties.js';
import { validateMessage } from '../../core/message/message-rules.js';
import { decodeProperties } from '../../core/message/properties.js';
import { reconsumeTimesOf } from '../../core/message/system-properties.js';

const message = (systemProperties: Record<string, unknown>): OutgoingMessage =>
  ({ topic: 'T', body: 'x', systemProperties }) as OutgoingMessage;

describe('system properties', () => {
  test('are those of the protocol, and written as they are', () => {
    const outgoing = message({ ORIGIN_MESSAGE_ID: 'A1', RECONSUME_TIME: '2', TRAN_MSG: 'true' });
    expect(() => validateMessage(outgoing)).not.toThrow();
    expect(decodeProperties(formatMessageProperties(outgoing, 'ID', { DELAY: '3' }))).toEqual({
      WAIT: 'true',
      UNIQ_KEY: 'ID',
      ORIGIN_MESSAGE_ID: 'A1',
      RECONSUME_TIME: '2',
      TRAN_MSG: 'true',
      DELAY: '3',
    });
  });

  test.each([
    ['UNIQ_KEY', 'A', /is the id that each send makes/],
    ['TAGS', 'a', /field tag/],
    ['KEYS', 'a', /field keys/],
    ['WAIT', 'false', /field waitStored/],
    ['DELAY', '3', /field delayLevel/],
    ['TIMER_DELAY_MS', '3', /field delay/],
    ['TIMER_DELIVER_MS', '3', /field deliverAt/],
    ['colour', 'red', /belongs in properties/],
    ['ORIGIN_MESSAGE_ID', '', /has to have text/],
    ['ORIGIN_MESSAGE_ID', 7, /has to have text/],
    ['ORIGIN_MESSAGE_ID', 'a\u0001b', /has a value that/],
    ['RECONSUME_TIME', 'two', /has to be a count/],
    ['MAX_RECONSUME_TIMES', '9999999999', /has to be a count/],
  ])('%s = %j is refused', (name, value, words) => {
    const refused = () => validateMessage(message({ [name]: value }));
    expect(refused).toThrow(words);
    expect(refused).toThrow(
      expect.objectContaining({ code: 'RMQ_MESSAGE_ILLEGAL', field: `systemProperties.${name}`, topic: 'T' }),
    );
  });
});

describe('how often consumption failed', () => {
  const retried = message({ RECONSUME_TIME: '2', MAX_RECONSUME_TIMES: '5' });

  test('goes to the header of a send to a retry topic, in a namespace too', () => {
    for (const topic of ['%RETRY%g', '%RETRY%ns%g']) {
      expect(reconsumeTimesOf(retried, topic)).toEqual({ reconsumeTimes: 2, maxReconsumeTimes: 5 });
    }
    expect(reconsumeTimesOf(message({ RECONSUME_TIME: '2' }), '%RETRY%g')).toEqual({ reconsumeTimes: 2 });
  });

  test('means nothing on other topics, and is 0 without the properties', () => {
    expect(reconsumeTimesOf(retried, 'T')).toEqual({ reconsumeTimes: 0 });
    expect(reconsumeTimesOf(message({}), '%RETRY%g')).toEqual({ reconsumeTimes: 0 });
    expect(reconsumeTimesOf({ topic: 'T', body: 'x' }, '%RETRY%g')).toEqual({ reconsumeTimes: 0 });
  });
});
