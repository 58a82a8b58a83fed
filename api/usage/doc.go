// Package usage counts what the traffic of tenants comes to, and ends what would cost
// more than they may spend in a day.
//
// Counting is an addition in memory; what was counted is written behind, a second
// later, and what other edges have counted is read as often as that. So a limit may be
// passed by what is under way in two seconds, and by the calls that stand when it is
// reached, which go on. A crash forgets the last second. A day is one of UTC.
package usage
