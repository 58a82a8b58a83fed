package sip

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// failover is the table of a trunk's answers after which the next candidate is
// due.
type failover []failoverRule

type failoverRule struct{ low, high, cause int } // cause 0: whatever it is

// newFailover reads "503", "500-504" and "404;cause=2".
func newFailover(rules []string) (failover, error) {
	var table failover
	for _, text := range rules {
		r, err := parseFailover(text)
		if err != nil {
			return nil, fmt.Errorf("failover_on %q: %w", text, err)
		}
		table = append(table, r)
	}
	return table, nil
}

func parseFailover(text string) (failoverRule, error) {
	codes, condition, conditional := strings.Cut(text, ";")
	low, high, isRange := strings.Cut(codes, "-")
	var r failoverRule
	var err error
	if r.low, err = statusCode(low); err != nil {
		return r, err
	}
	if r.high = r.low; isRange {
		if r.high, err = statusCode(high); err != nil {
			return r, err
		}
	}
	if r.low > r.high {
		return r, errors.New("the range is empty")
	}
	if conditional {
		text, ok := strings.CutPrefix(condition, "cause=")
		if r.cause, err = strconv.Atoi(text); !ok || err != nil || r.cause < 1 || r.cause > 127 {
			return r, errors.New("the condition is cause= and a Q.850 cause")
		}
		return r, nil
	}
	for code := r.low; code <= r.high; code++ {
		if isSubscribers(code) {
			return r, fmt.Errorf("%d is the subscriber's outcome, not the carrier's", code)
		}
	}
	return r, nil
}

func statusCode(text string) (int, error) {
	code, err := strconv.Atoi(text)
	if err != nil || code < 300 || code > 699 {
		return 0, errors.New("a status code is 300 to 699")
	}
	return code, nil
}

// isSubscribers reports whether a code tells of the called person, so that
// another carrier would only ring them again.
func isSubscribers(code int) bool {
	switch code {
	case 480, 486, 487, 600, 603, 604, 607, 608:
		return true
	default:
		return false
	}
}

// on reports whether the next candidate is due.
func (t failover) on(code, cause int) bool {
	for _, r := range t {
		if code >= r.low && code <= r.high && (r.cause == 0 || r.cause == cause) {
			return true
		}
	}
	return false
}

// isCarriersFault reports whether an answer counts against the carrier's health:
// overload, its own faults, and what it refuses because of how it was asked.
func isCarriersFault(code int, ringing bool) bool {
	switch {
	case code >= 500 && code < 600, code == 401, code == 407:
		return true
	case code == 408:
		return !ringing
	default:
		return false
	}
}

// answerFor maps the called side's final answer to what the caller is told. No
// answer becomes one that makes the caller act for the other side: no challenge,
// no redirection, no request for an extension.
func answerFor(code int) int {
	switch code {
	case 401, 407: // the carrier wants credentials of ours
		return 503
	case 400, 405, 413, 414, 416, 420, 421, 422, 423, 428, 436, 437, 438, 481, 491, 493, 494, 501, 505, 513, 580:
		return 500 // about our own request
	case 406, 415, 488, 606:
		return 488
	case 410:
		return 404 // a mask has not "changed number"
	case 487:
		return 480 // nobody of ours cancelled
	}
	switch {
	case code < 400:
		return 480 // redirections are not followed: a number from the wire is never dialled
	case code > 699:
		return 500
	default:
		return code
	}
}
