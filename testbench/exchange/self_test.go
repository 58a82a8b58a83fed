package exchange

import (
	"context"
	"testing"
	"time"

	"maskline/testbench/await"
)

func TestTwoExchangesTalk(t *testing.T) {
	a, err := Start("a")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := Start("b")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	call, err := a.Call(ctx, b.Addr(), "+447700900001", "+447700900002", 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	var answered []Call
	await.Within(10*time.Second, func() bool { // its counts come with its end
		answered = b.Answered()
		return len(answered) != 1 || answered[0].over
	})
	if !call.Answered || len(answered) != 1 || call.Received < 5 || answered[0].Received < 5 {
		t.Fatalf("call %+v, answered %+v", call, answered)
	}
	b.SetMode(Busy)
	if call, err = a.Call(ctx, b.Addr(), "+447700900001", "+447700900002", time.Second); err != nil || call.Code != 486 {
		t.Fatalf("%v %+v", err, call)
	}
}
