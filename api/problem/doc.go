// Package problem is how the API says that it cannot do something: RFC 9457
// problem details with a code that programs may rely on.
//
// One table gives each code its status and title. A problem never holds a value
// that was submitted: details are fixed texts, and faults of fields name the
// field and what was expected there.
//
// Start reading at codes.go.
package problem
