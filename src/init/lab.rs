//! The lab as its init holds it.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    ffi::OsString,
    fs::File,
    os::fd::OwnedFd,
    process,
    rc::Rc,
    thread,
};

use nix::{
    fcntl::OFlag,
    sys::{
        resource::{Resource, setrlimit},
        signal::{Signal, kill},
        stat::umask,
    },
    unistd::{Pid, chdir, close, pipe2},
};

use super::{
    build::build,
    cables::Cables,
    captures::{Capture, Captures},
    error::LabError,
    files::LabFiles,
    log::Log,
    neighbours,
    node::{Home, Node},
    program::{Children, Command, Program, Started, record, recorded_streams},
    protocol::{CaptureEnd, CaptureRequest, Description, NodeDescription, ProgramDescription},
    ready,
    runtime::LabDir,
    supervisor::Birth,
    workers::Workers,
};
use crate::{
    kernel::{Attempt, KernelError, Namespace, NamespaceKind, Netlink, Session, SpawnError},
    name::NodeName,
    plan::{self, Plan},
};

/// How many threads remove the nodes of a lab that ends, at most.
const CLOSERS: usize = 16;
/// How many nodes are worth a thread: to start one takes longer than one node's waits.
const NODES_PER_CLOSER: usize = 6;

/// Everything of a running lab.
pub(super) struct Lab {
    pub(super) plan: Rc<Plan>,
    pub(super) files: LabFiles,
    pub(super) home: Home,
    pub(super) children: Children,
    pub(super) user_namespace: Option<Namespace>,
    pub(super) pid_namespace: Namespace,
    pub(super) nofile: (u64, u64),
    workers: Rc<Workers>,
    pub(super) cables: Rc<Cables>,
    captures: Captures,
    programs: RefCell<Vec<Rc<Program>>>,
    netns_names: RefCell<Vec<Option<String>>>,
    notes: RefCell<BTreeSet<String>>,
    nodes: Vec<Node>,
    /// A routing socket in each node, if the nodes' neighbours must be watched.
    pub(super) neighbour_sockets: Cell<Vec<Netlink>>,
    /// Keeps the lock of the lab's directory.
    _dir: LabDir,
}

impl Lab {
    /// Builds everything but the programs.
    pub(super) fn build(birth: Birth) -> Result<Self, LabError> {
        let Birth { start, dir, user_namespace, nofile, mask, .. } = birth;
        // A node takes five descriptors (`DESCRIPTORS`): the usual soft limit of 1024 would end at 200 nodes.
        setrlimit(Resource::RLIMIT_NOFILE, nofile.1, nofile.1)
            .attempt(|| "raise the limit of open files")?;
        let mut notes = BTreeSet::new();
        let home = Home::create(&start.plan, &mut notes)?;
        let files = LabFiles::mount(dir.fs(), &start.plan)?;
        let plan = Rc::new(start.plan);
        let built = build(&plan, &files, &home, &start.base, &mut notes)?;
        notes.extend(neighbours::note(&plan));
        let neighbour_sockets =
            if neighbours::are_many(&plan) { built.sockets } else { Vec::new() };
        // Sources are copied: the folder this was started from may be unmounted from now on.
        chdir("/").attempt(|| "change to the root directory")?;
        umask(mask);
        Ok(Self {
            pid_namespace: Namespace::current(NamespaceKind::Pid)?,
            plan,
            files,
            home,
            children: Children::default(),
            user_namespace,
            nofile,
            workers: built.workers,
            cables: Rc::new(built.cables),
            captures: built.captures,
            programs: RefCell::default(),
            netns_names: RefCell::default(),
            notes: RefCell::new(notes),
            nodes: built.nodes,
            neighbour_sockets: Cell::new(neighbour_sockets),
            _dir: dir,
        })
    }

    /// Starts the programs of the topology in order, each awaited until it is ready.
    pub(super) async fn start_programs(&self) -> Result<(), LabError> {
        for node in &self.nodes {
            for plan in &node.plan.programs {
                let program = self.start_program(node, plan)?;
                self.programs.borrow_mut().push(program.clone());
                self.await_ready(node, &program).await?;
            }
        }
        Ok(())
    }

    fn start_program(&self, node: &Node, plan: &plan::Program) -> Result<Rc<Program>, LabError> {
        let not_started = |why: String| LabError::NotStarted {
            node: node.plan.name.clone(),
            program: plan.name.clone(),
            why,
        };
        let log = Log::create(&self.files.log(&node.plan.name).join(plan.name.as_str()));
        let step = || format!("record the output of program {} in {}", plan.name, node.plan.name);
        let log = Rc::new(log.attempt(step)?);
        let null = File::open("/dev/null").attempt(|| "open /dev/null")?;
        let (reader, writer) =
            pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).attempt(|| "make a pipe")?;
        // The program's end must block as pipes do; the flag is per end.
        nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETFL(OFlag::empty()))
            .attempt(|| "make a pipe")?;
        let command = Command {
            argv: plan.command.iter().map(OsString::from).collect(),
            env: plan.env.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            cwd: &node.home,
            stdio: recorded_streams(&null, &writer),
            session: Session::New,
        };
        let started = self.start(node, &command).map_err(|error| not_started(error.to_string()))?;
        tokio::task::spawn_local(record(reader, log.clone()));
        Ok(Rc::new(Program { node: node.plan.name.clone(), plan: plan.clone(), started, log }))
    }

    async fn await_ready(&self, node: &Node, program: &Program) -> Result<(), LabError> {
        let Some(ready) = &program.plan.ready else { return Ok(()) };
        let mut ending = program.started.ending.clone();
        let ended = async { ending.wait_for(Option::is_some).await.ok().and_then(|exit| *exit) };
        tokio::select! {
            biased;
            result = ready::wait(node, &self.home, ready, self.owner(program.started.pid)) => result.map_err(Into::into),
            Some(exit) = ended => {
                // What it printed last may still be in the pipe.
                let mut range = program.log.watch();
                let _ = tokio::time::timeout(std::time::Duration::from_secs(1), range.wait_for(|range| range.ended)).await;
                Err(LabError::Ended {
                    node: node.plan.name.clone(),
                    program: program.plan.name.to_string(),
                    exit,
                    ready: ready.clone(),
                    output: program.log.tail(),
                })
            }
            () = tokio::time::sleep(program.plan.timeout) => Err(LabError::NotReady {
                node: node.plan.name.clone(),
                what: format!("program `{}` is", program.plan.name),
                ready: ready.clone(),
                timeout: program.plan.timeout,
                output: program.log.tail(),
            }),
        }
    }

    /// The process whose sockets count, if that can be told on this machine.
    pub(super) fn owner(&self, pid: i32) -> Option<i32> {
        self.home.own_proc.then_some(pid)
    }

    /// Starts a command in a node.
    pub(super) fn start(&self, node: &Node, command: &Command<'_>) -> Result<Started, SpawnError> {
        self.children.start(&self.plan.name, node, &self.files.bin(), command, self.nofile)
    }

    /// Starts a capture into a descriptor; it is on when this returns.
    pub(super) async fn start_capture(
        &self,
        request: CaptureRequest,
        output: &OwnedFd,
    ) -> Result<Capture, LabError> {
        let places = (&*self.plan, &self.nodes[..], &self.home);
        self.captures.start(places, &self.workers, request, output).await
    }

    /// What is recorded of a link or network since the lab came up, and how the recording ended if it has.
    pub(super) async fn recording(&self, of: &str) -> Result<(File, Option<CaptureEnd>), LabError> {
        self.captures.recording(&self.plan, &self.workers, of).await
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(super) fn node(&self, name: &NodeName) -> Result<&Node, LabError> {
        let found = self.nodes.iter().find(|node| node.plan.name == *name);
        found.ok_or_else(|| LabError::no_node(&self.plan, name.as_str()))
    }

    pub(super) fn program(&self, node: &Node, name: &str) -> Result<Rc<Program>, LabError> {
        let programs = self.programs.borrow();
        let found =
            programs.iter().find(|p| p.node == node.plan.name && p.plan.name.as_str() == name);
        found.cloned().ok_or_else(|| LabError::NoProgram {
            node: node.plan.name.clone(),
            program: name.to_owned(),
            known: node.plan.programs.iter().map(|program| program.name.clone()).collect(),
        })
    }

    /// Takes the names that the supervisor made for `ip netns`, in the order of the nodes, and notes what is odd.
    pub(super) fn set_netns_names(&self, names: Result<Vec<Option<String>>, KernelError>) {
        let names = names.unwrap_or_else(|error| {
            let note = format!("{error}; `ip netns` does not know them");
            self.notes.borrow_mut().insert(note);
            Vec::new()
        });
        for (node, name) in self.nodes.iter().zip(&names) {
            let node = &node.plan.name;
            match name {
                Some(name) if name == node.as_str() => {}
                Some(name) => {
                    let note =
                        format!("/run/netns/{node} is taken; for `ip netns`, the node is {name}");
                    self.notes.borrow_mut().insert(note);
                }
                None => {
                    let lab = &self.plan.name;
                    let note = format!(
                        "/run/netns/{node} and /run/netns/{lab}-{node} are taken; `ip netns` does not know the node"
                    );
                    self.notes.borrow_mut().insert(note);
                }
            }
        }
        *self.netns_names.borrow_mut() = names;
    }

    pub(super) fn describe(&self) -> Description {
        let names = self.netns_names.borrow();
        let programs = self.programs.borrow();
        let describe = |(place, node): (usize, &Node)| NodeDescription {
            name: node.plan.name.clone(),
            home: node.home.clone(),
            net_inode: node.net_inode(),
            netns_name: names.get(place).cloned().flatten(),
            programs: programs
                .iter()
                .filter(|program| program.node == node.plan.name)
                .map(|program| ProgramDescription {
                    name: program.plan.name.clone(),
                    command: program.plan.command.clone(),
                    pid: program.started.pid,
                    exit: *program.started.ending.borrow(),
                })
                .collect(),
        };
        Description {
            plan: Plan::clone(&self.plan),
            nodes: self.nodes.iter().enumerate().map(describe).collect(),
            notes: self.notes.borrow().iter().cloned().collect(),
            bends: self.cables.bends(),
        }
    }

    /// Ends the lab: this process is PID 1 of its PID namespace, and the kernel ends and removes everything with it.
    ///
    /// What goes with a node takes the kernel two waits for all processors (`namespace_unlock` in fs/namespace.c, `ovl_free_fs`
    /// in fs/overlayfs), one after the other if left to this process's end; waits of several threads are one.
    pub(super) fn end(&self) -> ! {
        // Programs hold namespaces. To PID 1, -1 is all others of its PID namespace, which may be none.
        if process::id() == 1 {
            let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
        }
        let share = self.nodes.len().div_ceil(CLOSERS).max(NODES_PER_CLOSER);
        let mut shares = self.nodes.chunks(share);
        let mine = shares.next().unwrap_or_default();
        thread::scope(|scope| {
            for nodes in shares {
                // Without a thread, the process's end does it.
                let _ = thread::Builder::new().spawn_scoped(scope, || release(nodes));
            }
            release(mine);
        });
        process::exit(0)
    }
}

/// Closes what holds the nodes' namespaces, just before this process ends.
fn release(nodes: &[Node]) {
    for fd in nodes.iter().flat_map(Node::descriptors) {
        let _ = close(fd);
    }
}
