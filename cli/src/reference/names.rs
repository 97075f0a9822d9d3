//! As much of DNS (RFC 1035) as it takes to ask for one address, and to answer that late.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;

/// No longer message comes over UDP.
pub(super) const LONGEST: usize = 512;
/// Lengths of a message's head, and of what stands between a name and the end of its question.
const HEAD: usize = 12;
const TYPE_AND_CLASS: [u8; 4] = [0, 1, 0, 1]; // A, IN
const RESPONSE: u8 = 0x80;
const NO_SUCH_NAME: u8 = 3;

/// The question for a name's address.
///
/// # Panics
/// When a label of the name has more than 63 bytes, or none.
pub(super) fn question(id: u16, name: &str) -> Vec<u8> {
    let mut message = Vec::with_capacity(LONGEST);
    message.extend(id.to_be_bytes());
    // Recursion desired; one question, and none of the other sections.
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        assert!((1..64).contains(&label.len()), "{label:?} is no label");
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(TYPE_AND_CLASS);
    message
}

/// The address that an answer gives to a question, if it is an answer to that and gives one.
pub(super) fn address(question: &[u8], answer: &[u8]) -> Option<Ipv4Addr> {
    let (head, rest) = answer.split_at_checked(HEAD)?;
    let answered = head[..2] == question[..2] && head[2] & RESPONSE != 0 && head[3] & 0x0f == 0;
    let record = rest.strip_prefix(&question[HEAD..]).filter(|_| answered)?;
    // A pointer to the question's name, type, class, time to live, length: then the address.
    let address: [u8; 4] = record.get(12..16)?.try_into().ok()?;
    Some(Ipv4Addr::from(address))
}

/// Answers with the loopback address for a name like `200ms.example`, after that time; that there is no such name, for
/// any other.
pub(super) async fn serve(socket: UdpSocket) -> io::Result<()> {
    let socket = Arc::new(socket);
    let mut message = [0; LONGEST];
    loop {
        let (length, client) = socket.recv_from(&mut message).await?;
        let Some((wait, answer)) = answer(&message[..length]) else { continue };
        let socket = Arc::clone(&socket);
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            // A client that is gone needs no answer.
            let _ = socket.send_to(&answer, client).await;
        });
    }
}

/// What to answer, and when; none to what is no question.
fn answer(question: &[u8]) -> Option<(Duration, Vec<u8>)> {
    let (head, rest) = question.split_at_checked(HEAD)?;
    let (&length, rest) = rest.split_first()?;
    let label = rest.get(..usize::from(length))?;
    if head[2] & RESPONSE != 0 || !question.ends_with(&TYPE_AND_CLASS) {
        return None;
    }
    let ms = std::str::from_utf8(label).ok().and_then(|label| label.strip_suffix("ms")?.parse().ok());
    let mut answer = question.to_vec();
    answer[2] |= RESPONSE;
    match ms {
        Some(_) => {
            answer[7] = 1;
            answer.extend([0xc0, HEAD as u8]);
            answer.extend(TYPE_AND_CLASS);
            answer.extend([0, 0, 0, 60, 0, 4]);
            answer.extend(Ipv4Addr::LOCALHOST.octets());
        }
        None => answer[3] |= NO_SUCH_NAME,
    }
    Some((Duration::from_millis(ms.unwrap_or(0)), answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_how_long_its_answer_takes() {
        let question = question(7, "250ms.example");
        let (wait, answer) = answer(&question).unwrap();
        assert_eq!(wait, Duration::from_millis(250));
        assert_eq!(address(&question, &answer), Some(Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn another_name_is_not_there() {
        let question = question(7, "elsewhere.example");
        let (_, answer) = answer(&question).unwrap();
        assert_eq!(address(&question, &answer), None);
    }

    #[test]
    fn only_its_own_answer_counts() {
        let asked = question(7, "1ms.example");
        let (_, other) = answer(&question(8, "1ms.example")).unwrap();
        assert_eq!(address(&asked, &other), None);
        let (_, own) = answer(&asked).unwrap();
        for length in 0..own.len() {
            assert_eq!(address(&asked, &own[..length]), None, "{length} bytes");
        }
        assert!(answer(&own).is_none(), "an answer is not answered");
        for length in 0..asked.len() {
            assert!(answer(&asked[..length]).is_none(), "{length} bytes");
        }
    }
}
