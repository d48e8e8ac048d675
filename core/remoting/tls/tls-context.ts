import type { SecureContext, SecureContextOptions } from 'node:tls';
import { type RocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import { tlsModule } from './tls-module.js';

/**
 * Reads certificates and keys.
 * @throws RMQ_OPTIONS_INVALID naming the option: no PEM, a wrong passphrase, a key that is not the certificate's
 */
export function tlsContext(options: SecureContextOptions, option: string): SecureContext {
  const unread = pemName(options);
  if (unread !== undefined) throw invalid(option, `${unread}: expected the PEM text itself, not the name of a file`);
  try {
    return tlsModule().createSecureContext(options);
  } catch (error) {
    throw invalid(option, meaningOf(error as Error), error);
  }
}

/** Which of the PEM options is text without a PEM block in it. Node takes such a `ca` and trusts nobody then. */
function pemName(options: SecureContextOptions): string | undefined {
  return (['ca', 'cert', 'key', 'crl'] as const).find((name) =>
    [options[name]].flat().some((value) => typeof value === 'string' && !value.includes('-----BEGIN ')),
  );
}

function meaningOf(error: Error & { code?: string }): string {
  switch (error.code) {
    case 'ERR_OSSL_X509_KEY_VALUES_MISMATCH':
    case 'ERR_OSSL_X509_KEY_TYPE_MISMATCH':
      return 'cert and key do not belong together';
    case 'ERR_OSSL_PEM_NO_START_LINE':
    case 'ERR_OSSL_UNSUPPORTED':
      return 'a certificate or key cannot be read: expected PEM';
    case 'ERR_OSSL_BAD_DECRYPT':
    case 'ERR_MISSING_PASSPHRASE':
    case 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED':
      return 'the passphrase does not open the key';
    default:
      return error.message;
  }
}

function invalid(option: string, what: string, cause?: unknown): RocketMQError {
  return rocketMQError('RMQ_OPTIONS_INVALID', `option ${option}: ${what}`, { option }, { cause });
}
