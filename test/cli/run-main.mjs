/**
 * Runs the command in this process with one list of arguments after the other, and tells what each printed and its exit code:
 * `node run-main.mjs main.js '[["serve"], …]'`. For what ends before it does anything.
 */
import { pathToFileURL } from 'node:url';

const [file, lists] = process.argv.slice(2);
const { main } = await import(pathToFileURL(file).href);
const print = process.stdout.write.bind(process.stdout);
const ended = [];
for (const args of JSON.parse(lists)) {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    process[name].write = (text) => {
      output[name] += text;
      return true;
    };
  }
  ended.push({ code: await main(args, '0.0.0'), ...output });
}
print(JSON.stringify(ended));
