package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"maskline/testbench/rtpload"
)

const (
	besieged    = 1000
	siegeLasts  = 5 * time.Second
	siegePauses = time.Second
)

// defender is one that is attacked.
type defender struct {
	name  string
	start func(context.Context) (*subject, error)
}

func (r *rig) defenders() (all []defender) {
	for _, b := range backends {
		for _, latch := range []string{"port", "strict"} {
			all = append(all, defender{b + ", latch: " + latch, func(ctx context.Context) (*subject, error) {
				return r.startEdge(ctx, b, latch, strconv.Itoa(relayCore))
			}})
		}
	}
	if r.peers {
		all = append(all,
			defender{peer + ", defaults", func(ctx context.Context) (*subject, error) { return r.startEngine(ctx) }},
			defender{peer + ", strict source", func(ctx context.Context) (*subject, error) { return r.startEngine(ctx, "strict source") }})
	}
	return all
}

// sieges attacks calls from elsewhere, and from the parties' own addresses.
func (r *rig) sieges(ctx context.Context, t *strings.Builder) error {
	if err := pin(generatorCore); err != nil {
		return err
	}
	fmt.Fprintf(t, `
**Attacks.** %d calls, each attacker 5,000 packets a second. A stranger sprays all ports of the range from %v before
the first call until the last has ended, with RTP to odd ones too; a second one, from the set-up on, the calls' own ports
with the SSRC of each. Parties are silent for %v after the set-up. Two neighbours do the same from the parties' addresses
and other ports, once the parties talk, or (early) in the silence.
Neighbours that are relayed to each other are sent what they sent themselves.

| relay | neighbours | attacked with | injected | sent to attackers | of it the parties' | packets of the parties | lost |
|---|---|---|---|---|---|---|---|
`, besieged*r.share/100, siegePauses, siegePauses)
	for _, d := range r.defenders() {
		for _, early := range []bool{false, true} {
			progress("attacking %s", d.name)
			report, err := r.siege(ctx, d, early)
			if err != nil {
				return fmt.Errorf("attacking %s: %w", d.name, err)
			}
			when := "late"
			if early {
				when = "early"
			}
			fmt.Fprintf(t, "| %s | %s | %d | %d | %d | %d | %d | %d |\n", d.name, when, report.Attack.Sent,
				report.Foreign+report.WrongSource, report.Attack.Received, report.Attack.Stolen, report.Sent, report.Lost)
		}
	}
	return nil
}

func (r *rig) siege(ctx context.Context, d defender, early bool) (report rtpload.Report, err error) {
	s, err := d.start(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	l, err := rtpload.New(rtpload.Config{Relay: s.relay, A: partyA, B: partyB})
	if err != nil {
		return report, err
	}
	defer l.Close()
	return l.Besiege(ctx, besieged*r.share/100, r.during(siegeLasts), rtpload.Siege{
		Relay: r.media, PortMin: portMin, PortMax: portMax, Lead: siegePauses, Pause: siegePauses, Neighbours: true, Early: early,
	})
}
