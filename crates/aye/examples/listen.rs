//! What this process was handed: takes its descriptors and prints each as `NAME: what it is`, or why they cannot be taken.
//! A second taking has to fail, and whatever is exec'd next sees none of them.

use aye::{Environment, listen};

fn main() {
    let environment = Environment::of_process();
    match listen::take(&environment) {
        Ok(descriptors) => {
            println!("{} taken", descriptors.len());
            for descriptor in descriptors {
                let name = descriptor.name.clone();
                match descriptor.into_unix_datagram() {
                    Ok(_) => println!("{name}: a Unix datagram socket"),
                    Err(wrong) => println!("{name}: {wrong}"),
                }
            }
        }
        Err(error) => println!("refused: {error}"),
    }
    if let Err(error) = listen::take(&environment) {
        println!("again: {error}");
    }
}
