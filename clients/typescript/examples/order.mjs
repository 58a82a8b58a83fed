// Connects a customer with a driver for an order, and shows how a program goes on where the edge is slow or away: it
// asks for a masked number with a deadline, and without one names the service desk.
//
//   MASKLINE_API=https://edge.example MASKLINE_KEY=sk_live_… node order.mjs order-17 +447700900101 +447700900202
import { Maskline, Problem, isUnavailable } from "../index.js";

const [order, customer, driver] = process.argv.slice(2);
const patience = Number(process.env.PATIENCE ?? 3_000); // milliseconds that the customer may wait
const edge = new Maskline({ url: process.env.MASKLINE_API, key: process.env.MASKLINE_KEY, timeout: patience });
try {
  // The order names the request: asked again after a crash, or by another process, it is the same session.
  const session = await edge.createSession(
    { pool: "uk", participants: [{ number: customer }, { number: driver }] },
    { idempotencyKey: order },
  );
  console.log(`dial ${session.participants[0].dial}`);
} catch (error) {
  if (!isUnavailable(error) && !(error instanceof Problem && error.code === "pool-exhausted")) throw error; // a fault of this program
  console.log("dial +441632960000 (the service desk)");
}
