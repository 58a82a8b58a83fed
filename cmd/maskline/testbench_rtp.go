package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"maskline/testbench/rtpload"
)

// testbenchRTP is the command line of the load of calls.
type testbenchRTP struct {
	Through string `help:"What the calls go through: sip:ADDR an edge, ng:ADDR rtpengine, or direct, nothing." default:"direct" placeholder:"WHAT"`

	Caller netip.AddrPort `help:"SIP address of the carrier that calls." default:"127.0.0.1:5070"`
	Callee netip.AddrPort `help:"SIP address of the carrier that is called." default:"127.0.0.1:5080"`
	From   string         `help:"Number that calls." default:"447700900001"`
	To     string         `help:"Mask that it calls." default:"441110000001"`
	PartyA netip.Addr     `help:"Where the calling parties' media is." default:"127.0.0.2"`
	PartyB netip.Addr     `help:"Where the called parties' media is." default:"127.0.0.3"`

	Calls    int           `help:"Calls at a time." default:"100"`
	Duration time.Duration `help:"How long they talk." default:"10s"`
	Interval time.Duration `help:"Time between two packets of a party." default:"20ms"`
	Threads  int           `help:"Threads that make the packets; one makes some 1,500 calls." default:"1"`
	Settle   time.Duration `help:"How long the last packets may take." default:"1s"`

	Attack     string        `help:"Attack the relay's ports FIRST-LAST from before the first call to the end of the last." placeholder:"PORTS"`
	AttackAt   netip.Addr    `help:"The relay's media address." default:"127.0.0.1"`
	AttackRate int           `help:"Packets a second of each attacker." default:"5000"`
	Attackers  []netip.Addr  `help:"Addresses of those that are strangers." default:"127.0.0.66"`
	Neighbours string        `help:"Attack from the parties' addresses and other ports too: late, once they talk, or early, when the calls are connected." enum:"none,late,early" default:"none"`
	Pause      time.Duration `help:"Silence before the parties talk, with --attack." default:"1s"`

	JSON bool `name:"json" help:"Print the report as JSON."`
}

// Run connects the calls, lets them talk, reports, and fails if anything was lost,
// repeated, altered, misrouted or reached an attacker.
func (cmd *testbenchRTP) Run(ctx context.Context, c console) (err error) {
	relay, end, err := cmd.relay()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end(context.WithoutCancel(ctx))) }()
	l, err := rtpload.New(rtpload.Config{
		Relay: relay, A: cmd.PartyA, B: cmd.PartyB, Interval: cmd.Interval, Threads: cmd.Threads, Settle: cmd.Settle,
	})
	if err != nil {
		return err
	}
	defer l.Close()
	report, err := cmd.load(ctx, l)
	if err != nil {
		return fmt.Errorf("running the load: %w", err)
	}
	return tell(c, &report, cmd.JSON)
}

func (cmd *testbenchRTP) load(ctx context.Context, l *rtpload.Load) (r rtpload.Report, err error) {
	if cmd.Attack != "" {
		var first, last uint16
		if n, err := fmt.Sscanf(cmd.Attack, "%d-%d", &first, &last); n != 2 || err != nil {
			return r, errors.New("--attack is a range of ports, FIRST-LAST")
		}
		return l.Besiege(ctx, cmd.Calls, cmd.Duration, rtpload.Siege{
			Relay: cmd.AttackAt, PortMin: first, PortMax: last, Rate: cmd.AttackRate, Strangers: cmd.Attackers,
			Pause: cmd.Pause, Neighbours: cmd.Neighbours != "none", Early: cmd.Neighbours == "early",
		})
	}
	if _, err := l.Grow(ctx, cmd.Calls); err != nil {
		return r, err
	}
	select {
	case <-time.After(cmd.Duration):
	case <-ctx.Done(): // what is known by then is told
	}
	return l.Stop(context.WithoutCancel(ctx)), nil
}

// relay is what the calls go through, and how they are ended.
func (cmd *testbenchRTP) relay() (relay rtpload.Relay, end func(context.Context) error, err error) {
	how, addr, _ := strings.Cut(cmd.Through, ":")
	if how == "direct" && addr == "" {
		return rtpload.Direct{}, func(context.Context) error { return nil }, nil
	}
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, nil, errors.New("--through is sip:ADDR, ng:ADDR or direct, ADDR an IP address and a port")
	}
	switch how {
	case "sip":
		c, err := rtpload.NewCarriers(rtpload.Trunks{Caller: cmd.Caller, Callee: cmd.Callee, From: strings.TrimPrefix(cmd.From, "+"), Mask: strings.TrimPrefix(cmd.To, "+")})
		if err != nil {
			return nil, nil, err
		}
		c.Use(at)
		return c, func(ctx context.Context) error { return errors.Join(c.HangUp(ctx), c.Close()) }, nil
	case "ng":
		e, err := rtpload.NewEngine(at)
		if err != nil {
			return nil, nil, err
		}
		return e, func(ctx context.Context) error { return errors.Join(e.HangUp(ctx), e.Close()) }, nil
	default:
		return nil, nil, errors.New("--through is sip:ADDR, ng:ADDR or direct")
	}
}
