// Takes the events that an edge posts, verifies them, and prints each once.
//
//   SECRET=whsec_… node receiver.mjs 9000
import { createServer } from "node:http";
import { readWebhook } from "maskline-client";

const seen = new Set(); // of ids; a real program keeps them for a few days, in its database

createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  let event;
  try {
    event = readWebhook(request.headers, Buffer.concat(parts), process.env.SECRET);
  } catch {
    response.writeHead(401).end();
    return;
  }
  response.writeHead(204).end(); // answer at once, work afterwards
  if (seen.has(event.id)) return;
  seen.add(event.id);
  console.log(event.type, JSON.stringify(event.data)); // the work
}).listen(Number(process.argv[2]), "127.0.0.1");
