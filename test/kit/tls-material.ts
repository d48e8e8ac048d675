import { readFileSync } from 'node:fs';

/** One of the files of test/kit/tls as PEM text; its README says what each is. */
export function pem(name: string): string {
  return readFileSync(new URL(`./tls/${name}.pem`, import.meta.url), 'utf8');
}

/** A certificate of test/kit/tls with its key. */
export function certificate(name: 'server' | 'wrong-host' | 'expired' | 'client' | 'other-client'): {
  readonly cert: string;
  readonly key: string;
} {
  return { cert: pem(name), key: pem(`${name}.key`) };
}

/** The authority that signed the test certificates. */
export const ca = pem('ca');
