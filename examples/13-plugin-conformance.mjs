import { pluginConformance } from 'multistage/testing';

/** Counts sends. Its bug: it writes into the message that the application gave. */
const counting = () => ({
  name: 'counting',
  setup(host) {
    let count = 0;
    host.interceptSend({
      before: 'check',
      create: () => (context, next) => {
        count += 1;
        context.message.properties = { count: String(count) };
        return next(context);
      },
    });
  },
});

// In a test: for (const check of pluginConformance(counting)) it(check.name, check.run);
for (const check of pluginConformance(counting)) {
  const outcome = await check.run().then(
    () => 'ok  ',
    () => 'FAIL',
  );
  console.log(`${outcome} ${check.name}`);
}
