/** Parses JSON and sends it back: what Express alone allows. Argument: the port. */
import express from 'express';

const app = express();
app.use(express.json({ limit: '2mb' }));
app.use((request, response) => {
  response.json(request.body ?? {});
});
app.listen(Number(process.argv[2]), '127.0.0.1');
