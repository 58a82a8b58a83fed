// Command order connects a customer with a driver for an order, and shows how a
// program goes on where the edge is slow or away: it asks for a masked number with
// a deadline, and without one names the service desk, whose people connect the two
// by hand.
//
//	MASKLINE_API=https://edge.example MASKLINE_KEY=sk_live_… order -pool uk order-17 +447700900101 +447700900202
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"maskline/client"
)

func main() {
	pool := flag.String("pool", "uk", "pool of the masks")
	desk := flag.String("desk", "+441632960000", "number of the service desk")
	patience := flag.Duration("patience", 3*time.Second, "how long the customer may wait for a number")
	flag.Parse()
	if flag.NArg() != 3 {
		flag.Usage()
		os.Exit(2)
	}
	text, err := dial(*pool, *desk, *patience, flag.Arg(0), flag.Arg(1), flag.Arg(2))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(text)
}

// dial says what the customer is to dial.
func dial(pool, desk string, patience time.Duration, order, customer, driver string) (string, error) {
	edge, err := client.New(client.Config{URL: os.Getenv("MASKLINE_API"), Key: os.Getenv("MASKLINE_KEY"), Timeout: patience})
	if err != nil {
		return "", err
	}
	// The order names the request: asked again after a crash, or by another
	// process, it is the same session.
	session, err := edge.CreateSession(context.Background(), &client.SessionRequest{
		Pool: pool, Participants: []client.Person{{Number: customer}, {Number: driver}},
	}, client.IdempotencyKey(order))
	switch {
	case errors.Is(err, client.ErrUnavailable), client.CodeOf(err) == "pool-exhausted":
		// Asked again later with the same key it may have been done meanwhile.
		return "dial " + desk + " (the service desk)", nil
	case err != nil:
		return "", err // the request is wrong: that is a fault of this program
	}
	return "dial " + session.Participants[0].Dial, nil
}
