/** An instance name that nobody chose is another one in each process. */
const GENERATED_INSTANCE = /@\d+#[^@]*/;

/**
 * Where the offsets of a client's group lie: `<dir>/<client id>/<group>`, as with Java, whose broadcasting clients are
 * called DEFAULT unless they were given a name. Two processes of one machine need names of their own (`instanceName`).
 * @param dir default `.rocketmq_offsets` in the user's folder
 */
export function localOffsetsDir(dir: string | undefined, clientId: string, wireGroup: string): string {
  const { homedir } = process.getBuiltinModule('node:os');
  const { join } = process.getBuiltinModule('node:path');
  const stable = clientId.replace(GENERATED_INSTANCE, '@DEFAULT');
  return join(dir ?? join(homedir(), '.rocketmq_offsets'), stable, wireGroup);
}
