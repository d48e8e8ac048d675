/**
 * `node:tls`, loaded with its first use: whoever speaks plain TCP does not pay for it. Not an `import()`, which Jest does
 * not allow in CommonJS and which would make every caller wait.
 */
export function tlsModule(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls');
}
