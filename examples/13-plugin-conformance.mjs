import { pluginConformance } from 'multistage/testing';

/** Counts sends, and says once a minute how many there were. Its bug: nothing stops that when the client closes. */
const counting = () => ({
  name: 'counting',
  setup(host) {
    let count = 0;
    const report = () => {
      host.logger.info('sends', { count });
      host.clock.setTimer(60_000, report);
    };
    host.onStart(report);
    host.interceptSend({
      before: 'check',
      create: () => (context, next) => {
        count += 1;
        return next(context);
      },
    });
  },
});

// In a test: for (const check of pluginConformance(counting)) it(check.name, check.run);
for (const check of pluginConformance(counting)) {
  const outcome = await check.run().then(
    () => `ok   ${check.name}`,
    (error) => `FAIL ${check.name}: ${error.message.split('\n')[0]}`,
  );
  console.log(outcome);
}
