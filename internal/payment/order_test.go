package payment_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sede/internal/app"
	"sede/internal/db"
	"sede/internal/sedetest"
	"sede/internal/stripe"
	"sede/internal/stripe/stripefake"
)

// early is a subscription in its first days, again and again another one of the same
// organization. What happens to it at Stripe makes ten messages.
type early struct {
	*world
	sub  twin
	done int // of what happens
}

// shard is how many subscriptions one organization has in these tests.
const shard = 50

// happens lists what happens, by which Stripe says something. sede learns of the first only
// by itself.
var happens = []func(e *early){
	func(e *early) { e.sub = e.buy(`{"products":["/products/bank"],"seats":1}`) },
	func(e *early) { e.fake.Pay(atStripe(e.t, e.world, e.sub).LatestInvoice) },
	func(e *early) { e.ends(true) },
	func(e *early) { e.ends(false) },
	func(e *early) { e.ends(true) },
}

func (e *early) ends(is bool) {
	e.t.Helper()
	_, err := e.client().ChangeSubscription(e.t.Context(), fmt.Sprint(e.sub.ID, len(e.fake.Calls())), e.sub.ExternalID, stripe.Change{CancelAtPeriodEnd: &is})
	if err != nil {
		e.t.Fatal(err)
	}
}

// next lets the next thing happen and returns what Stripe says of it.
func (e *early) next() (said []stripefake.Event) {
	e.t.Helper()
	happens[e.done](e)
	e.done++
	for _, event := range e.fake.Take() {
		if strings.HasPrefix(event.Type, "customer.subscription") || strings.HasPrefix(event.Type, "invoice") {
			said = append(said, event)
		}
	}
	return said
}

func (e *early) hear(said ...stripefake.Event) {
	e.t.Helper()
	for _, event := range said {
		if a := e.send(event); a.Status != 200 {
			e.t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
}

// is compares what is stored with what must be, once everything was reconciled.
func (e *early) is(want, why string) {
	e.t.Helper()
	e.RunJobs()
	e.reconcile()
	if got := e.state(e.sub.ID); got != want {
		e.t.Fatalf("%s: %s, want %s", why, got, want)
	}
}

// over ends the subscription, and makes room for the next.
func (e *early) over() {
	e.t.Helper()
	e.do(e.owner(), http.MethodPost, "/subscriptions/"+e.sub.ID+"/cancel", `{"atPeriodEnd":false}`, 200)
	e.RunJobs()
	e.fake.Take()
	e.done = 0
}

// shards runs tries, so many for each organization, which run at once.
func shards(t *testing.T, tries func(engine db.Engine) []int, run func(e *early, n int)) {
	sedetest.Each(t, func(t *testing.T, engine db.Engine) {
		for some := range slices.Chunk(tries(engine), shard) {
			t.Run(fmt.Sprint(some[0]), func(t *testing.T) {
				t.Parallel()
				e := &early{world: beginWith(t, engine, func(w *world, c *app.Config) { w.fake.Trust() })}
				prepare(t, e.Instance, e.owner())
				for _, n := range some {
					run(e, n)
					e.over()
				}
			})
		}
	})
}

const (
	notPaid = "incomplete 1 false, open for subscription_create: 0 of 1476, numbered true"
	paid    = "active 1 false, paid for subscription_create: 1476 of 1476, numbered true"
	ending  = "active 1 true, paid for subscription_create: 1476 of 1476, numbered true"
)

// TestFirstMessagesInEveryOrder: the first five messages of a subscription, whichever of
// them arrive and in whatever order, before it was paid and after, come to the same. On PostgreSQL these are
// some of all, unless SEDE_TEST_ORDERS is set.
func TestFirstMessagesInEveryOrder(t *testing.T) {
	all := arrangements(5)
	tries := func(engine db.Engine) (list []int) {
		for n := range all {
			if engine == db.SQLite || n%8 == 0 || os.Getenv("SEDE_TEST_ORDERS") != "" {
				list = append(list, n)
			}
		}
		return list
	}
	shards(t, tries, func(e *early, n int) {
		said := e.next()
		if len(said) != 5 {
			e.t.Fatalf("%d messages", len(said))
		}
		var arriving []stripefake.Event
		for _, k := range all[n] {
			arriving = append(arriving, said[k])
		}
		why := fmt.Sprint(all[n])
		e.hear(arriving...)
		e.is(notPaid, why)
		e.next()
		for i := range arriving {
			arriving[i] = again(arriving[i], n)
		}
		e.hear(arriving...)
		e.hear(arriving...)
		e.is(paid, why+", after it was paid")
	})
}

// again is the event as another one, which sede does not know.
func again(event stripefake.Event, n int) stripefake.Event {
	id := fmt.Sprintf("%s_%d", event.ID, n)
	event.Body = []byte(strings.ReplaceAll(string(event.Body), event.ID, id))
	event.ID = id
	return event
}

// arrangements are the orders of some of n things: of none, of one, up to all of them.
func arrangements(n int) (list [][]int) {
	var walk func(head []int)
	walk = func(head []int) {
		list = append(list, slices.Clone(head))
		for k := range n {
			if !slices.Contains(head, k) {
				walk(append(head, k))
			}
		}
	}
	walk(nil)
	return list
}

// TestTenMessagesInAnyOrder: the first ten messages of a subscription, each of which is
// lost, or arrives once or twice, at once or after more has happened, in any order and
// with any work in between, come to the same. SEDE_TEST_ORDERS is how many ways are tried;
// without it there are some, and fewer on PostgreSQL.
func TestTenMessagesInAnyOrder(t *testing.T) {
	orders := 60
	if text := os.Getenv("SEDE_TEST_ORDERS"); text != "" { // 10000 takes half an hour
		var err error
		if orders, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	tries := func(engine db.Engine) (list []int) {
		for n := range orders {
			if engine == db.SQLite || n%3 == 0 || os.Getenv("SEDE_TEST_ORDERS") != "" {
				list = append(list, n)
			}
		}
		return list
	}
	shards(t, tries, func(e *early, n int) {
		r := rand.New(rand.NewPCG(uint64(n), 10))
		waiting, told := make([][]stripefake.Event, len(happens)+1), 0
		for now := range happens {
			for _, event := range e.next() {
				told++
				for range [...]int{0, 1, 1, 1, 2}[r.IntN(5)] {
					at := now + r.IntN(len(waiting)-now)
					waiting[at] = append(waiting[at], event)
				}
			}
			r.Shuffle(len(waiting[now]), func(i, j int) { waiting[now][i], waiting[now][j] = waiting[now][j], waiting[now][i] })
			for _, event := range waiting[now] {
				if e.hear(event); r.IntN(3) == 0 {
					e.RunJobs()
				}
			}
		}
		if told != 10 {
			e.t.Fatalf("%d messages", told)
		}
		late := waiting[len(happens)]
		r.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
		e.hear(late...)
		e.is(ending, fmt.Sprintf("order %d", n))
	})
}
