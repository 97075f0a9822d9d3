//! Futures that must not be dropped without a poll.

use crate::harness::{Seen, current_thread, multi_thread, program, run};
use stallscope::analysis::{Finding, Rule, Severity, findings};
use stallscope::{FutureExt as _, must_await, watched};
use stallscope_wire::Watched;
use std::cell::RefCell;
use std::future::{Future, pending, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use tokio::runtime::Handle;
use tokio::task::{JoinSet, LocalSet, yield_now};

#[must_await]
async fn load() -> u8 {
    yield_now().await;
    7
}

/// What became of the futures of the marked line.
fn counts(seen: &Seen) -> (u64, u64, u64, u64) {
    let (marked, snapshot) = (seen.marked(), seen.log().history.snapshot().expect("it was seen"));
    let at_the_mark = |line: &&Watched| line.created_at.contains(&format!("{marked}:"));
    let line = snapshot.watched.iter().find(at_the_mark).unwrap_or_else(|| panic!("{:#?}", snapshot.watched));
    (line.polled, line.unpolled, line.cancelled, line.excused)
}

/// What is found of futures that nobody awaits.
fn never_awaited(seen: &Seen) -> Vec<Finding> {
    let found = findings(&[&seen.log().history]);
    found.into_iter().filter(|finding| finding.rule == Rule::NeverAwaited).collect()
}

#[test]
fn the_line_that_made_it_is_found_with_the_function() {
    let seen = program(|| {
        run(multi_thread(), async {
            for _ in 0..3 {
                drop(load()); // blocks here
            }
        });
    });
    let seen = seen.run().ended();
    assert_eq!(counts(&seen), (0, 3, 0, 0));
    let found = never_awaited(&seen);
    let [finding] = &found[..] else { panic!("{found:#?}") };
    assert_eq!((finding.severity, finding.count), (Severity::Error, 3));
    assert!(finding.culprit.to_string().ends_with(&seen.marked()), "{finding:#?}");
    assert_eq!(finding.culprit.function.as_deref(), Some("instrument::watched::load"));
    assert_eq!(finding.detail.as_deref(), Some("none of 3 was polled"));
    let told: Vec<&str> = seen.stderr.lines().collect();
    let word = "made a future (instrument::watched::load) that was dropped without being awaited";
    assert!(matches!(told[..], [line] if line.contains(&seen.marked()) && line.ends_with(word)), "{told:#?}");
}

#[test]
fn one_that_is_polled_in_any_way_is_awaited() {
    let seen = program(|| {
        run(multi_thread(), async {
            let make = || load(); // blocks here
            let mut boxed: Pin<Box<dyn Future<Output = u8> + Send>> = Box::pin(make());
            assert_eq!(boxed.as_mut().await, 7);
            assert_eq!(tokio::join!(make(), make()), (7, 7));
            let mut set = JoinSet::new();
            (0..3).for_each(|_| drop(set.spawn(make())));
            assert_eq!(set.join_all().await, [7; 3]);
            let mut kept = Some(make());
            assert_eq!(kept.take().unwrap().await, 7);
            assert_eq!(LocalSet::new().run_until(make()).await, 7);
            let here = Handle::current();
            let there = thread::spawn(move || here.block_on(make()));
            while !there.is_finished() {
                yield_now().await;
            }
        });
    });
    let seen = seen.run().ended();
    assert_eq!(counts(&seen), (9, 0, 0, 0));
    seen.is_silent();
}

#[test]
fn one_that_is_cancelled_after_a_poll_is_counted_apart() {
    let seen = program(|| {
        run(current_thread(), async {
            for _ in 0..5 {
                let never = watched(pending::<()>()); // blocks here
                tokio::select! {
                    biased;
                    () = never => unreachable!(),
                    () = yield_now() => {}
                }
            }
            tokio::spawn(yield_now()).await.unwrap();
        });
    });
    let seen = seen.run().ended();
    assert_eq!(counts(&seen), (5, 0, 5, 0));
    seen.is_silent();
}

#[test]
fn a_branch_that_is_not_always_polled_is_a_doubt_and_no_more() {
    let seen = program(|| {
        run(multi_thread(), async {
            for first in [true, false, true] {
                let late = load().watched(); // blocks here
                tokio::select! {
                    biased;
                    () = ready(()), if first => {}
                    _ = late => {}
                }
            }
        });
    });
    let seen = seen.run().ended();
    let found = never_awaited(&seen);
    assert!(found.iter().all(|finding| finding.severity == Severity::Warning), "{found:#?}");
    let [watched, made] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(watched.detail.as_deref(), Some("1 of 3 were polled"));
    assert_eq!((watched.count, made.count), (2, 2));
    assert!(watched.doubt().is_some_and(|doubt| doubt.contains("select!")));
    assert_eq!(seen.stderr, "", "a doubt is not told of");
}

#[test]
fn a_task_that_never_came_to_its_future_excuses_it() {
    let seen = program(|| {
        let make = || load(); // blocks here
        run(current_thread(), async move {
            tokio::spawn(make()).abort();
            assert_eq!(tokio::spawn(make()).await.unwrap(), 7);
            // The runtime is shut down before it comes to these.
            tokio::spawn(make());
            let kept = make();
            tokio::spawn(async move { assert_eq!(kept.await, 7) });
        });
    });
    let seen = seen.run().ended();
    assert_eq!(counts(&seen), (1, 0, 0, 3));
    seen.is_silent();
}

#[test]
fn a_panic_excuses_what_it_drops() {
    let seen = program(|| {
        run(multi_thread(), async {
            let task = tokio::spawn(async {
                let _kept = load(); // blocks here
                std::panic::resume_unwind(Box::new("it panics"));
            });
            assert!(task.await.unwrap_err().is_panic());
        });
    });
    assert_eq!(counts(&seen.run().ended()), (0, 0, 0, 1));
}

#[test]
fn one_that_panics_in_its_poll_is_not_cancelled() {
    let seen = program(|| {
        run(multi_thread(), async {
            let panics = watched(async { std::panic::resume_unwind(Box::new("it panics")) }); // blocks here
            assert!(tokio::spawn(panics).await.is_err());
        });
    });
    assert_eq!(counts(&seen.run().ended()), (1, 0, 0, 0));
}

#[test]
fn what_happened_before_the_process_was_watched_is_told() {
    let seen = program(|| {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..500).for_each(|_| drop(load()))); // blocks here
            }
        });
        run(multi_thread(), async { tokio::spawn(async {}).await.unwrap() });
    });
    let seen = seen.run().ended();
    assert_eq!(counts(&seen), (0, 2000, 0, 0));
    assert_eq!(never_awaited(&seen).len(), 1);
}

/// The attribute in all the forms that an async function has.
mod forms {
    use super::*;
    use std::sync::Mutex;

    #[derive(Debug)]
    pub(super) struct Told(pub(super) Rc<RefCell<Vec<&'static str>>>, pub(super) &'static str);

    impl Drop for Told {
        fn drop(&mut self) {
            self.0.borrow_mut().push(self.1);
        }
    }

    macro_rules! keeps {
        ($(#[$attribute:meta])? $name:ident) => {
            /// Keeps what it does not use.
            $(#[$attribute])?
            #[expect(unused_variables, reason = "what is tested is when it is dropped")]
            pub(super) async fn $name(first: Told, _: Told, _second: Told, (third, _): (Told, Told)) -> usize {
                yield_now().await;
                let _last = Told(Rc::clone(&first.0), "body");
                7
            }
        };
    }
    keeps!(
        #[must_await]
        keeps
    );
    keeps!(keeps_as_usual);

    #[must_await]
    pub(super) async fn longest<'a, T>(one: &'a T, other: &'a T, by: impl Fn(&T) -> usize) -> &'a T
    where
        T: ?Sized,
    {
        yield_now().await;
        if by(one) < by(other) { other } else { one }
    }

    #[must_await]
    pub(super) async fn last_temporary(counter: Mutex<u8>, mut times: u8) -> u8 {
        while times > 0 {
            *counter.lock().unwrap() += 1;
            times -= 1;
        }
        *counter.lock().unwrap()
    }

    #[must_await]
    pub(super) async fn coerced(
        fails: bool,
    ) -> Result<Box<dyn Fn() -> u8 + Send>, Box<dyn std::error::Error + Send>> {
        if fails {
            return Err(Box::new(std::fmt::Error));
        }
        let _: u8 = "7".parse().map_err(|error| Box::new(error) as Box<_>)?;
        Ok(Box::new(|| 7))
    }

    #[must_await]
    pub(super) async fn numbers() -> impl Iterator<Item = u8> + Send {
        yield_now().await;
        0..3
    }

    #[must_await]
    pub(super) async fn factorial(of: u64) -> u64 {
        if of < 2 { 1 } else { of * Box::pin(factorial(of - 1)).await }
    }

    #[must_await]
    pub(super) async fn never() -> ! {
        loop {
            yield_now().await;
        }
    }

    #[derive(Debug, Default)]
    pub(super) struct Store<T>(pub(super) Vec<T>);

    impl<T: Clone + Send + Sync> Store<T> {
        /// Adds one.
        #[must_await]
        pub(super) async fn add(&mut self, item: T) -> &mut Self {
            yield_now().await;
            self.0.push(item);
            self
        }

        #[must_await]
        pub(super) async fn first(&self) -> Option<&T> {
            yield_now().await;
            self.0.first()
        }

        #[must_await]
        pub(super) async fn shared(self: Arc<Self>) -> usize {
            yield_now().await;
            self.0.len()
        }

        #[must_await]
        pub(super) async fn into_all(mut self, last: T) -> Vec<T>
        where
            T: 'static,
        {
            self.0.push(last);
            self.0
        }
    }

    pub(super) trait Source {
        async fn next(&mut self) -> Option<u8>;

        #[must_await]
        async fn both(&mut self) -> (Option<u8>, Option<u8>) {
            (self.next().await, self.next().await)
        }
    }

    impl Source for Store<u8> {
        #[must_await]
        async fn next(&mut self) -> Option<u8> {
            yield_now().await;
            self.0.pop()
        }
    }

    pub(super) fn is_send<T: Send>(future: T) -> T {
        future
    }
}

#[test]
fn an_async_function_with_the_attribute_is_as_it_was_without() {
    use forms::{Source, Store, Told};
    let runtime = current_thread().build().unwrap();
    runtime.block_on(async {
        let told = Rc::<RefCell<Vec<_>>>::default();
        let tell = |word| Told(Rc::clone(&told), word);
        let tuple = || (tell("third"), tell("rest"));
        let kept = forms::keeps(tell("first"), tell("_"), tell("second"), tuple());
        assert!(told.borrow().is_empty(), "it keeps its arguments");
        assert_eq!(kept.await, 7);
        let order = told.take();
        assert_eq!(forms::keeps_as_usual(tell("first"), tell("_"), tell("second"), tuple()).await, 7);
        assert_eq!((order.len(), &order), (6, &*told.borrow()));

        let (one, other) = (String::from("one"), String::from("other"));
        assert_eq!(forms::is_send(forms::longest(&one, &other, String::len)).await, "other");
        assert_eq!(forms::last_temporary(7.into(), 2).await, 9);
        assert!(forms::coerced(true).await.is_err());
        assert_eq!(forms::coerced(false).await.unwrap()(), 7);
        assert_eq!(forms::numbers().await.collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(forms::factorial(5).await, 120);
        let mut never = pin!(forms::is_send(forms::never()));
        tokio::select! {
            () = yield_now() => {}
            _ = &mut never => unreachable!(),
        }

        let mut store = Store::default();
        assert_eq!(forms::is_send(store.add(1)).await.add(2).await.first().await, Some(&1));
        assert_eq!(Arc::new(Store(vec![1, 2])).shared().await, 2);
        assert_eq!(store.into_all(3).await, [1, 2, 3]);
        assert_eq!(Store(vec![1, 2]).both().await, (Some(2), Some(1)));
    });
}
