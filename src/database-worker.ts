import { answerQuestions } from './database-answering.ts';

answerQuestions();
