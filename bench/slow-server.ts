/**
 * A third party that answers each call after some milliseconds, with a new id to creations. `GET /calls` says
 * how many calls it has answered. Arguments: port, milliseconds.
 */
import http from 'node:http';

const [port = '0', delayMs = '0'] = process.argv.slice(2);
let calls = 0;

http
  .createServer((request, response) => {
    if (request.url === '/calls') return void response.end(JSON.stringify({ calls }));
    request.resume().once('end', () =>
      setTimeout(() => {
        calls += 1;
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ id: `remote-${calls}` }));
      }, Number(delayMs)),
    );
  })
  .listen(Number(port), '127.0.0.1', () => console.log('slow server running'));
