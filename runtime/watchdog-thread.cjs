/**
 * The thread of `watchdog.ts`. It counts its own seconds without a heartbeat, so that a process that was
 * stopped (SIGSTOP, a suspended machine) is not ended: the thread was stopped as well. JavaScript, because a
 * thread of a process that runs from the TypeScript sources can only load JavaScript.
 */
'use strict';
const fs = require('node:fs');
const inspector = require('node:inspector');
const { workerData } = require('node:worker_threads');

/** How long the main thread has for telling what it executes. */
const STACK_WITHIN_SECONDS = 3;
const FRAMES_MAX = 10;
const EXIT_CODE = 70;
/** The level `fatal` of the log. */
const FATAL = 60;

const { process: processName, limitSeconds } = workerData;
const heartbeats = new Int32Array(workerData.heartbeats);
const mainThread = new inspector.Session();
// While the main thread is busy it accepts commands of an open session, but no new session.
mainThread.connectToMainThread();

let heartbeat = Atomics.load(heartbeats, 0);
let secondsWithout = 0;
setInterval(() => {
  const latest = Atomics.load(heartbeats, 0);
  secondsWithout = latest === heartbeat ? secondsWithout + 1 : 0;
  heartbeat = latest;
  if (secondsWithout === limitSeconds) endFromMainThread();
  if (secondsWithout === limitSeconds + STACK_WITHIN_SECONDS) {
    report('The main thread executes no JavaScript: it waits in native code or for the operating system.');
    process.kill(process.pid, 'SIGKILL');
  }
}, 1_000);

/**
 * Interrupts the main thread, reports what it was executing, and lets it exit. A signal would not do: the
 * first process of a container cannot kill itself.
 */
function endFromMainThread() {
  const files = new Map();
  mainThread.on('Debugger.scriptParsed', ({ params }) => files.set(params.scriptId, params.url));
  mainThread.once('Debugger.paused', ({ params: { callFrames } }) => {
    const stack = callFrames.slice(0, FRAMES_MAX).map((frame) => describeFrame(frame, files));
    report(`It was busy in ${stack[0]}.`, stack);
    const exit = { callFrameId: callFrames[0].callFrameId, expression: `process.reallyExit(${EXIT_CODE})` };
    mainThread.post('Debugger.evaluateOnCallFrame', exit);
  });
  mainThread.post('Debugger.enable');
  mainThread.post('Debugger.pause');
}

function describeFrame({ functionName, location }, files) {
  return `${functionName || '(anonymous)'} (${files.get(location.scriptId)}:${location.lineNumber + 1})`;
}

function report(cause, stack) {
  const msg = `the event loop has not made progress for ${limitSeconds} s, so this process ends. ${cause}`;
  const entry = {
    level: FATAL,
    time: Date.now(),
    process: processName,
    cause: 'event_loop_blocked',
    stack,
    msg,
  };
  try {
    fs.writeSync(1, `${JSON.stringify(entry)}\n`);
  } catch {
    // a log that cannot be written must not keep the process alive
  }
}
