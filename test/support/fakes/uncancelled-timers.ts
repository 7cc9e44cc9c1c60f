/**
 * Bundled with the workflows for the time-skipping server, which strands a run, and stops skipping for all,
 * when a workflow task cancels a timer that fires while the task is with the worker
 * (temporalio/sdk-java#3088). So here a timer that is no longer waited for is left to fire unheard. Real
 * servers take the cancellation, and tests on one, replays among them, run the workflows without this.
 */
import { CancellationScope, type WorkflowInterceptorsFactory } from '@temporalio/workflow';

export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      startTimer(input, next) {
        const { cancellable, cancelRequested } = CancellationScope.current();
        const timer = CancellationScope.nonCancellable(() => next(input));
        return cancellable ? Promise.race([timer, cancelRequested]) : timer;
      },
    },
  ],
});
