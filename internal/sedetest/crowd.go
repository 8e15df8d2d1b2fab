package sedetest

import "sync"

// AtOnce makes n calls at the same moment and returns their answers.
func AtOnce(n int, call func(i int) *Answer) []*Answer {
	answers := make([]*Answer, n)
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			<-start
			answers[i] = call(i)
		})
	}
	close(start)
	wait.Wait()
	return answers
}

// Statuses counts the answers by their status.
func Statuses(answers []*Answer) map[int]int {
	counts := map[int]int{}
	for _, a := range answers {
		counts[a.Status]++
	}
	return counts
}
