// Package sedetest runs sede in a test, in process and on both databases, and
// tests it over HTTP: scripts, sweeps over every operation, failing databases.
//
// A script is a text file of requests against a fresh sede with the demo data,
// whose clock stands at 2030-01-02T09:00:00Z:
//
//	# A location is created.
//	as owner@demo.example
//	POST /locations
//	{"name": "Lisbon", "officeOpenHour": 9, "officeCloseHour": 18}
//	< 201
//	< Location: /locations/<lisbon>
//	{"@id": "/locations/<lisbon>", "name": "Lisbon", …}
//
// The lines of a script are:
//
//	# text                  a comment; the last one before a request names it
//	as NAME [in REF]        who sends what follows: an account of the demo, or
//	                        nobody; REF goes into X-Organization
//	advance 2h              moves the clock
//	jobs                    runs the jobs and schedules that are due, until none is
//	faults off              the fault driver leaves this script alone
//	limits POLICY=QUOTA …   these limits on requests hold and no others; without
//	                        the line all are so wide that no script meets them
//	METHOD /target          a request, then its lines:
//	Name: value             a header; without value: the usual one is not sent
//	anything else           the body, as it stands
//	= "a\xff"*3 + "b"       the body, from Go strings and repetitions
//	= the last download     the body: a form with the last file that was answered
//	< 201                   what must come: the status
//	< Name: value           this header
//	< !Name                 no such header
//	< empty                 no body
//	< changes               the request changes rows although it is refused
//	{…} or [… ]             this JSON body; the order of members does not matter
//	<~ {…}                  this JSON body, but objects may hold more members
//	| text                  this text, line by line
//	|~ text                 a body that contains this text
//
// <name> in a request stands for what an earlier answer had in its place: the
// first <name> in what must come takes the value, later ones compare with it.
// <*> stands for anything, as a whole JSON string for any value. The demo's ids
// have names from the start: <demo>, <other>, <lisbon>, <ana>, <owner>,
// <owner-member>, <other-owner>…
//
// A POST is sent as application/json, a calendar as text/calendar and a PATCH as a merge patch unless the
// script says otherwise, a body that begins with a boundary "form" as a form; with Transfer-Encoding: chunked it does not say how long
// its body is. Every answer is checked against the OpenAPI document, and after
// every GET and every refusal not one row may have changed.
// A document is a script too: its blocks marked sede, one after the other.
// go test -update rewrites the statuses, headers and JSON bodies of scripts that
// differ; what still holds keeps its spelling.
//
// The fault driver runs each script a second time. Before every request is
// really sent it is tried with the first statement failing, then the second, and
// so on to the commit: the answer must be a 5xx problem each time, and not one
// row may have changed. Then the request must give what the script says.
package sedetest
